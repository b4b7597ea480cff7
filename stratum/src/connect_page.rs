//! What a browser sees that was pointed at the Stratum port: how to connect a miner. Nothing of a request is ever part of it.

use sharechain::PowAlgorithm;

use crate::miner::SessionConfig;

/// Longest head of a request that is read. Stops a client from having us keep what it sends.
pub const HEAD_LEN_MAX: usize = 8 * 1024;

/// The look of the dashboard, in the little that a page without files can carry.
const STYLE: &str = ":root{color-scheme:light dark;--card:light-dark(#fdfefc,#131a18);--soft:light-dark(#e9ede7,#1d2724)}\
    body{margin:0;font:1rem/1.55 -apple-system,'Segoe UI',Roboto,system-ui,sans-serif;\
    color:light-dark(#17211d,#e3ebe7);background:light-dark(#f3f5f1,#0c1110)}\
    main{max-width:44rem;margin:6vh auto;padding:1.4rem 1.6rem;background:var(--card);\
    border:1px solid light-dark(#dce2da,#25312d);border-top:4px solid light-dark(#0b7566,#3fd0b0);border-radius:10px}\
    h1{font-size:1.5rem;margin:0}h2{font-size:1rem;margin:1.4rem 0 .4rem}ul{padding-left:1.1rem}\
    code,pre{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9em;background:var(--soft);border-radius:5px;\
    padding:.1em .4em;overflow-wrap:anywhere;white-space:pre-wrap}pre{padding:.7em .9em;margin:.5rem 0}";

/// See the module.
#[derive(Debug)]
pub struct ConnectPage {
    html: String,
}

impl ConnectPage {
    /// The page of an endpoint on this port.
    pub fn new(config: &SessionConfig, port: u16, has_tls: bool) -> Self {
        let algorithm = config.algorithm();
        let mut facts = vec![
            format!("URL: <code>stratum+tcp://THIS-HOST:{port}</code>"),
            format!("algorithm: <code>{algorithm}</code>"),
            "user: <code>ADDRESS.worker</code>, where ADDRESS is your own payout address".to_owned(),
            "password: anything, or options: <code>d=</code> least difficulty, <code>fd=</code> fixed difficulty, \
             <code>th=</code> your hash rate, as <code>th=1.5T</code>"
                .to_owned(),
        ];
        if config.lanes.len() > 1 {
            let names: Vec<&str> = config.lanes.iter().map(|(_, lane)| lane.name.as_str()).collect();
            facts.push(format!(
                "lanes: <code>{}</code>; <code>c=LANE</code> in the password keeps a miner on one, <code>LANE=ADDRESS</code> \
                 gives a payout address for one",
                names.join("</code>, <code>")
            ));
        }
        if has_tls {
            facts.insert(1, format!("encrypted: <code>stratum+ssl://THIS-HOST:{port}</code>, the same port"));
        }
        if config.password.is_some() {
            facts.push("this endpoint is private: its password goes into the password too".to_owned());
        }
        if let Some(fee) = config.lanes.first().fee {
            facts.push(format!("operator fee: {}", fee.percent()));
        }
        let facts: String = facts.iter().map(|fact| format!("<li>{fact}</li>\n")).collect();
        let examples: String = examples(algorithm, port).iter().map(|text| format!("<pre>{text}</pre>\n")).collect();
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>poolnode: connect a miner</title>\n<style>{STYLE}</style>\n<main>\n\
             <h1>Connect a miner</h1>\n<p>This port speaks Stratum. Miners are paid by the pool's blocks themselves, to the address they \
             give as user.</p>\n<ul>\n{facts}</ul>\n<h2>For example</h2>\n{examples}\
             <p>THIS-HOST is what stands in your browser's address bar, without the port.</p>\n</main>\n</html>\n"
        );
        Self { html }
    }

    /// The answer to a request, of which `head` is what was read; `None` while its head is not complete.
    pub fn answer(&self, head: &[u8]) -> Option<Vec<u8>> {
        let end = head.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if end.is_none() && head.len() <= HEAD_LEN_MAX {
            return None;
        }
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let mut words = line.split(|byte| *byte == b' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (status, body) = match (method, path) {
            _ if end.is_none() => ("431 Request Header Fields Too Large", "the request is too long\n"),
            (b"GET" | b"HEAD", b"/") => ("200 OK", self.html.as_str()),
            (b"GET" | b"HEAD", _) => ("404 Not Found", "there is only /\n"),
            _ => ("405 Method Not Allowed", "there is only GET\n"),
        };
        let kind = if status == "200 OK" { "text/html" } else { "text/plain" };
        let mut answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\
             content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\nx-content-type-options: nosniff\r\n\r\n",
            body.len()
        );
        if method != b"HEAD" {
            answer.push_str(body);
        }
        Some(answer.into_bytes())
    }
}

/// What to type into miners of this algorithm.
fn examples(algorithm: PowAlgorithm, port: u16) -> Vec<String> {
    let command = |miner: &str| format!("{miner} -o stratum+tcp://THIS-HOST:{port} -u ADDRESS.worker -p x");
    let form = format!("Host: THIS-HOST\nPort: {port}\nUser: ADDRESS.worker\nPassword: x");
    match algorithm {
        PowAlgorithm::Blake2s => vec![command("cpuminer -a blake2s")],
        PowAlgorithm::Sha256d => vec![form, command("cgminer"), command("cpuminer -a sha256d")],
        PowAlgorithm::Scrypt => vec![form, command("bfgminer --scrypt"), command("cpuminer -a scrypt")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::config;

    fn answer(request: &[u8]) -> Option<String> {
        let page = ConnectPage::new(&config(PowAlgorithm::Blake2s), 3333, true);
        page.answer(request).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_browser_sees_how_to_connect() {
        let shown = answer(b"GET / HTTP/1.1\r\nHost: pool\r\n\r\n").unwrap();
        for text in
            ["HTTP/1.1 200 OK\r\n", "stratum+tcp://THIS-HOST:3333", "stratum+ssl://THIS-HOST:3333", "-a blake2s"]
        {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        let (head, body) = shown.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
        assert!(answer(b"HEAD / HTTP/1.1\r\n\r\n").unwrap().ends_with("\r\n\r\n"));
    }

    #[test]
    fn every_algorithm_has_an_example() {
        for algorithm in PowAlgorithm::ALL {
            let shown = examples(algorithm, 3333);
            assert!(shown.iter().all(|text| text.contains("THIS-HOST") && text.contains("3333")), "{shown:?}");
            assert!(shown.iter().any(|text| text.contains(&algorithm.to_string())), "{shown:?}");
        }
    }

    #[test]
    fn other_requests_are_refused_and_unfinished_ones_wait() {
        assert_eq!(answer(b"GET / HTTP/1.1\r\nHost: pool\r\n"), None);
        for (request, status) in [
            (&b"GET /admin HTTP/1.1\r\n\r\n"[..], "404"),
            (b"POST / HTTP/1.1\r\n\r\n", "405"),
            (b"GET \r\n\r\n", "404"),
            (&[b'x'; HEAD_LEN_MAX + 1], "431"),
        ] {
            assert!(answer(request).unwrap().starts_with(&format!("HTTP/1.1 {status} ")), "{status}");
        }
    }
}
