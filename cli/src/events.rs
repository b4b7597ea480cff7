//! `poolnode events`: what happens at a node, one line an event.
//!
//! Server-sent events ([`sse`]). After a lost connection the node is asked for what came since the last event.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use node::{api::client::ApiError, clock::iso};
use reqwest::{Client, Response, header::ACCEPT};
use serde_json::Value;
use tokio::time::sleep;

mod sse;

use sse::{Event, Parser};

use crate::{args::EventsArgs, render};

/// Time to get a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause before a lost connection is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// Prints events as they come: until Ctrl-C with `--follow`, else until the connection ends.
pub(crate) async fn run(args: EventsArgs, api: &str, json: bool) -> anyhow::Result<ExitCode> {
    // The node is on this machine; a proxy from the environment cannot reach it.
    let http = Client::builder().no_proxy().connect_timeout(CONNECT_TIMEOUT).build()?;
    let (mut last, mut was_connected) = (args.after, false);
    loop {
        let mut request = http.get(url(api, args.kinds.as_deref(), last)).header(ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        match request.send().await {
            Ok(answer) => {
                print_events(accepted(answer).await?, &mut last, json).await?;
                was_connected = true;
            }
            // Who never was connected has the wrong address; who was waits for the node to come back.
            Err(_) if args.follow && was_connected => {}
            Err(source) => return Err(ApiError::Unreachable { url: api.to_owned(), source }.into()),
        }
        if !args.follow {
            return Ok(ExitCode::SUCCESS);
        }
        render::aside("the connection to the node is lost; trying again");
        sleep(RETRY_PAUSE).await;
    }
}

fn url(api: &str, kinds: Option<&str>, after: Option<u64>) -> String {
    let kinds = kinds.map(|kinds| format!("kinds={kinds}"));
    let after = after.map(|after| format!("after={after}"));
    let query: Vec<String> = kinds.into_iter().chain(after).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}/api/v1/events{mark}{}", api.trim_end_matches('/'), query.join("&"))
}

/// A stream, or the node's words why there is none.
async fn accepted(answer: Response) -> anyhow::Result<Response> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status();
    let problem: Value = answer.json().await.unwrap_or_default();
    match (problem["title"].as_str(), problem["detail"].as_str()) {
        (Some(title), Some(detail)) => {
            Err(ApiError::Refused { title: title.to_owned(), detail: detail.to_owned() }.into())
        }
        _ => bail!("what answers has no events ({status})"),
    }
}

/// Prints until the stream ends, and remembers where it was.
async fn print_events(mut stream: Response, last: &mut Option<u64>, json: bool) -> anyhow::Result<()> {
    let mut parser = Parser::default();
    // A stream that breaks is as good as one that ends.
    while let Ok(Some(bytes)) = stream.chunk().await {
        for event in parser.push(&bytes).context("the node's events make no sense")? {
            *last = event.id.or(*last);
            if json { render::line(&event.data)? } else { render::line(&text(&event))? }
        }
    }
    Ok(())
}

/// Time, kind, and what it is about.
fn text(event: &Event) -> String {
    let whole: Value = serde_json::from_str(&event.data).unwrap_or_default();
    let time = whole["time"].as_u64().map_or_else(|| "-".to_owned(), iso);
    let kind = whole["kind"].as_str().unwrap_or(&event.kind);
    let parts = whole["data"].as_object().into_iter().flatten();
    let parts = parts.filter(|(_, value)| !value.is_null()).map(|(name, value)| match value.as_str() {
        Some(word) => format!("{name}={}", printable(word)),
        None => format!("{name}={value}"),
    });
    let parts: Vec<String> = parts.collect();
    format!("{time}  {:<15}  {}", printable(kind), parts.join(" "))
}

/// Names of workers are anybody's: what would move the cursor of a terminal is left out.
fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line() {
        let data = r#"{"id":7,"time":1793491200,"kind":"worker_on","data":{"address":"dn1q","agent":null,"n":2,"worker":"rig\u001b[2J1"}}"#;
        let event = Event { id: Some(7), kind: "worker_on".to_owned(), data: data.to_owned() };
        assert_eq!(text(&event), "2026-11-01T00:00:00Z  worker_on        address=dn1q n=2 worker=rig[2J1");
        let broken = Event { id: None, kind: "tip".to_owned(), data: "?".to_owned() };
        assert_eq!(text(&broken), "-  tip              ");
    }

    #[test]
    fn the_question_says_kinds_and_the_last_event() {
        assert_eq!(url("http://a/", None, None), "http://a/api/v1/events");
        assert_eq!(url("http://a", Some("tip,share"), Some(5)), "http://a/api/v1/events?kinds=tip,share&after=5");
    }
}
