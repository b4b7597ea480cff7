//! Every route of the API with every kind of wrong input, by the API's own description: refused with the status for it, as a problem
//! that names what is wrong. A route that is added is asked too.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use testnet::process::NodeProcess;
use tests::World;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than any parameter, shorter than the longest head of a request.
const LONG: usize = 4_000;

struct Answer {
    status: u16,
    head: String,
    body: String,
}

async fn ask(node: &NodeProcess, method: &str, path: &str, headers: &str, body: &[u8]) -> anyhow::Result<Answer> {
    let address = node.endpoints.api.trim_start_matches("http://");
    let length = body.len();
    let connection = if headers.contains("Upgrade:") { "close, upgrade" } else { "close" };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: {connection}\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(head.as_bytes()).await?;
    // A body that is too long is not waited for.
    let _refused = socket.write_all(body).await;
    let mut bytes = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut bytes)).await.with_context(|| format!("{path} goes on and on"))??;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").context("no head")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
    Ok(Answer { status, head: head.to_lowercase(), body: body.to_owned() })
}

/// A refusal has this status, is a problem, and names what is wrong.
fn is_refused(answer: &Answer, status: u16, names: &str, what: &str) -> anyhow::Result<()> {
    ensure!(answer.status == status, "{what}: {} {}", answer.status, answer.body);
    ensure!(answer.head.contains("content-type: application/problem+json"), "{what}: {}", answer.head);
    let problem: Value = serde_json::from_str(&answer.body).with_context(|| format!("{what}: {}", answer.body))?;
    let (title, detail) =
        (problem["title"].as_str().unwrap_or_default(), problem["detail"].as_str().unwrap_or_default());
    ensure!(problem["status"] == status && !title.is_empty(), "{what}: {problem}");
    ensure!(detail.len() > 10 && format!("{title} {detail}").to_lowercase().contains(names), "{what}: {problem}");
    Ok(())
}

/// Values that a parameter cannot have, as they stand in a URL.
fn wrong_values(parameter: &Value) -> Vec<String> {
    let schema = &parameter["schema"];
    let mut wrong: Vec<String> = match (schema["type"].as_str(), parameter["name"].as_str()) {
        (Some("integer"), _) => {
            let mut numbers = ["-1", "1.5", "1e3", "x", "18446744073709551616"].map(ToOwned::to_owned).to_vec();
            numbers.extend(schema["maximum"].as_u64().map(|most| (most + 1).to_string()));
            numbers
                .extend(schema["minimum"].as_u64().and_then(|least| least.checked_sub(1)).map(|less| less.to_string()));
            numbers
        }
        (Some("boolean"), _) => vec!["1".to_owned(), "yes".to_owned()],
        // Any text is a name that somebody may have, or one to look for.
        (_, Some("search" | "worker")) => return Vec::new(),
        _ => vec!["no%20such%20thing".to_owned(), "x".repeat(LONG), "%00".to_owned()],
    };
    wrong.extend(["", "%ff"].map(ToOwned::to_owned));
    wrong
}

#[tokio::test]
async fn every_route_refuses_what_it_does_not_understand_and_says_why() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("one", &[]).await?;
    let api: Value = node.api.get("openapi.json").await?;
    let tip = node.api.status().await?.share_tip;
    let mut asked = 0;
    for (path, methods) in api["paths"].as_object().context("no paths")? {
        let valid = path.replace("{id}", &tip).replace("{block}", &tip).replace("{order}", "ban");
        let get = &methods["get"];
        // A WebSocket is asked for in its own way.
        let upgrade = if path.ends_with("/ws") {
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        } else {
            ""
        };
        let other = if get.is_null() { "GET" } else { "DELETE" };
        is_refused(&ask(&node, other, &valid, "", b"").await?, 405, "method", &format!("{other} {path}"))?;
        if get.is_null() {
            continue;
        }
        for query in ["nobody=1", "nobody", "%ff=1"] {
            let asks = format!("{valid}?{query}");
            is_refused(&ask(&node, "GET", &asks, upgrade, b"").await?, 400, "unknown field", &asks)?;
            asked += 1;
        }
        for parameter in get["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().context("a parameter without a name")?;
            if parameter["in"] == "path" {
                for value in ["no%20such%20thing".to_owned(), "x".repeat(LONG), "%ff".to_owned(), "%00".to_owned()] {
                    let asks = path.replace(&format!("{{{name}}}"), &value);
                    let answer = ask(&node, "GET", &asks, "", b"").await?;
                    is_refused(&answer, if answer.status == 404 { 404 } else { 400 }, "", &asks)?;
                    asked += 1;
                }
                continue;
            }
            for value in wrong_values(parameter) {
                let asks = format!("{valid}?{name}={value}");
                is_refused(&ask(&node, "GET", &asks, upgrade, b"").await?, 400, name.trim_end_matches('s'), &asks)?;
                asked += 1;
            }
            let twice = format!("{valid}?{name}=1&{name}=1");
            is_refused(&ask(&node, "GET", &twice, upgrade, b"").await?, 400, name.trim_end_matches('s'), &twice)?;
        }
    }
    ensure!(asked > 200, "{asked}");
    is_refused(&ask(&node, "GET", "/api/v1/nothing", "", b"").await?, 404, "openapi.json", "an unknown path")?;
    let endless = format!("/api/v1/status?{}", "x".repeat(20_000));
    ensure!(matches!(ask(&node, "GET", &endless, "", b"").await?.status, 414 | 431), "a path without an end");
    ensure!(node.api.status().await?.mining, "and goes on mining");
    node.stop().await
}

#[tokio::test]
async fn an_order_that_is_not_understood_is_not_carried_out() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("one", &[]).await?;
    let cookie = std::fs::read_to_string(world.place.folder("one").join("api.cookie"))?;
    let json = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", cookie.trim());
    let order = async |order: &str, headers: &str, body: &[u8]| {
        ask(&node, "POST", &format!("/api/v1/peers/{order}"), headers, body).await
    };
    let long = format!(r#"{{"subject": "{}"}}"#, "x".repeat(5_000));
    let cases: [(&[u8], u16, &str); 15] = [
        (b"", 400, "json"),
        (b"{", 400, "json"),
        (b"null", 422, "invalid type: null"),
        (b"[]", 422, "invalid length 0"),
        (b"{}", 422, "subject"),
        (br#"{"subject": 7}"#, 422, "subject"),
        (br#"{"subject": null}"#, 422, "subject"),
        (br#"{"subject": ""}"#, 400, "peer id"),
        (br#"{"subject": "nobody"}"#, 400, "peer id"),
        (br#"{"subject": "9.9.9.9", "secs": -1}"#, 422, "secs"),
        (br#"{"subject": "9.9.9.9", "secs": 1e99}"#, 422, "secs"),
        (br#"{"subject": "9.9.9.9", "nobody": 1}"#, 422, "nobody"),
        (br#"{"subject": "9.9.9.9", "subject": "9.9.9.8"}"#, 422, "subject"),
        (b"{\"subject\": \"\xff\"}", 400, "json"),
        (long.as_bytes(), 413, "length limit"),
    ];
    for (body, status, names) in cases {
        let what = String::from_utf8_lossy(body);
        is_refused(&order("ban", &json, body).await?, status, names, &what)?;
    }
    let body = br#"{"subject": "9.9.9.9"}"#;
    is_refused(
        &order("ban", json.split_inclusive("\r\n").next().unwrap_or_default(), body).await?,
        415,
        "content-type",
        "no type",
    )?;
    is_refused(&order("forgive", &json, body).await?, 404, "order", "an unknown order")?;
    is_refused(&order("ban", "Content-Type: application/json\r\n", body).await?, 401, "cookie", "no cookie")?;
    let bans: Value = node.api.get("peers/bans").await?;
    ensure!(bans["data"].as_array().is_some_and(Vec::is_empty), "{bans}");
    node.stop().await
}

/// Bodies that are no order about anything.
const NO_ORDERS: [(&[u8], u16, &str); 6] = [
    (b"", 400, "json"),
    (b"{", 400, "json"),
    (b"\xff", 400, "json"),
    (b"null", 422, "invalid type: null"),
    (b"7", 422, "invalid type: integer"),
    (b"[]", 422, "invalid length 0"),
];

/// What every order refuses, though its body may be a good one.
async fn refuses_what_is_no_order(node: &NodeProcess, path: &str, operator: &str, good: &[u8]) -> anyhow::Result<()> {
    let json = "Content-Type: application/json\r\n";
    let order = async |path: &str, headers: &str, body: &[u8]| ask(node, "POST", path, headers, body).await;
    let as_operator = format!("{operator}{json}");
    for (body, status, names) in NO_ORDERS {
        let what = format!("{path}: {}", String::from_utf8_lossy(body));
        is_refused(&order(path, &as_operator, body).await?, status, names, &what)?;
    }
    let long = format!(r#"{{"reason": "{}"}}"#, "x".repeat(5_000));
    is_refused(&order(path, &as_operator, long.as_bytes()).await?, 413, "length limit", "a long body")?;
    is_refused(&order(path, operator, good).await?, 415, "content-type", "no type")?;
    is_refused(&order(path, json, good).await?, 401, "cookie", "no cookie")?;
    let stranger = format!("Authorization: Bearer nobody\r\n{json}");
    is_refused(&order(path, &stranger, good).await?, 401, "cookie", "another cookie")?;
    let asks = format!("{path}?now=1");
    is_refused(&order(&asks, &as_operator, good).await?, 400, "unknown field", &asks)
}

/// Orders about lanes that cannot be carried out: with body, status, and what is named.
const LANE_ORDERS: &[(&str, &str, u16, &str)] = &[
    ("switch", "{}", 400, "lane is missing"),
    ("switch", r#"{"reason": "a test"}"#, 400, "lane is missing"),
    ("switch", r#"{"lane": null, "reason": "a test"}"#, 400, "lane is missing"),
    ("switch", r#"{"lane": "devnet"}"#, 400, "reason is missing"),
    ("switch", r#"{"lane": "devnet", "reason": ""}"#, 400, "reason is missing"),
    ("switch", r#"{"lane": "devnet", "reason": " \t\n"}"#, 400, "reason is missing"),
    ("switch", r#"{"lane": "nobody", "reason": "a test"}"#, 409, r#"there is no lane "nobody"; known are devnet"#),
    ("switch", r#"{"lane": "", "reason": "a test"}"#, 409, r#"there is no lane """#),
    ("switch", r#"{"lane": 7, "reason": "a test"}"#, 422, "invalid type: integer"),
    ("switch", r#"{"lane": "devnet", "reason": ["a test"]}"#, 422, "invalid type: sequence"),
    ("switch", r#"{"lane": "devnet", "lane": "devnet"}"#, 422, "duplicate field `lane`"),
    ("switch", r#"{"lanes": "devnet"}"#, 422, "unknown field `lanes`"),
    ("state", "{}", 400, "state is missing"),
    ("state", r#"{"state": ""}"#, 400, "known are dry-run, live and paused"),
    ("state", r#"{"state": "on"}"#, 400, r#"unknown state "on"; known are dry-run, live and paused"#),
    ("state", r#"{"state": "live "}"#, 400, "known are dry-run, live and paused"),
    ("state", r#"{"state": true}"#, 422, "invalid type: boolean"),
    ("resume", "{}", 409, "nothing was paused"),
    ("forgive", "{}", 404, "an order is switch, release, state, pause or resume"),
    ("SWITCH", "{}", 404, "an order is switch, release, state, pause or resume"),
    ("%00", "{}", 404, "an order is switch, release, state, pause or resume"),
    ("%ff", "{}", 400, "bad path"),
];

/// Orders to take no new miners that say something else.
const DRAIN_ORDERS: &[(&str, &str)] = &[
    ("{}", "missing field `on`"),
    (r#"{"on": null}"#, "invalid type: null"),
    (r#"{"on": 1}"#, "invalid type: integer"),
    (r#"{"on": "yes"}"#, "invalid type: string"),
    (r#"{"on": true, "off": true}"#, "unknown field `off`"),
    (r#"{"on": true, "on": false}"#, "duplicate field `on`"),
];

#[tokio::test]
async fn an_order_about_lanes_or_new_miners_that_is_not_understood_is_not_carried_out() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("one", &[]).await?;
    let cookie = std::fs::read_to_string(world.place.folder("one").join("api.cookie"))?;
    let operator = format!("Authorization: Bearer {}\r\n", cookie.trim());
    let json = format!("{operator}Content-Type: application/json\r\n");
    for order in ["switch", "release", "state", "pause", "resume"] {
        refuses_what_is_no_order(&node, &format!("/api/v1/switching/{order}"), &operator, b"{}").await?;
    }
    for (order, body, status, names) in LANE_ORDERS {
        let answer = ask(&node, "POST", &format!("/api/v1/switching/{order}"), &json, body.as_bytes()).await?;
        is_refused(&answer, *status, names, &format!("{order} {body}"))?;
    }
    let switching: Value = node.api.get("switching").await?;
    ensure!(switching["state"] == "DRY-RUN" && switching["manual_lane"].is_null(), "{switching}");

    refuses_what_is_no_order(&node, "/api/v1/drain", &operator, br#"{"on": true}"#).await?;
    for (body, names) in DRAIN_ORDERS {
        let answer = ask(&node, "POST", "/api/v1/drain", &json, body.as_bytes()).await?;
        is_refused(&answer, 422, names, &format!("drain {body}"))?;
    }
    let status = node.api.status().await?;
    ensure!(!status.draining && status.mining, "{status:?}");
    node.stop().await
}
