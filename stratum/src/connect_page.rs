//! What a browser sees that was pointed at the Stratum port: how to connect a miner. A text made once; nothing of a request is ever
//! part of it.

use crate::miner::SessionConfig;

/// Longest head of a request that is read. Stops a client from having us keep what it sends.
pub const HEAD_LEN_MAX: usize = 8 * 1024;

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
        if has_tls {
            facts.insert(1, format!("encrypted: <code>stratum+ssl://THIS-HOST:{port}</code>, the same port"));
        }
        if config.password.is_some() {
            facts.push("this endpoint is private: its password goes into the password too".to_owned());
        }
        if let Some(fee) = config.fee {
            facts.push(format!("operator fee: {}", fee.percent()));
        }
        let facts: String = facts.iter().map(|fact| format!("<li>{fact}</li>\n")).collect();
        let example = format!("cpuminer -a {algorithm} -o stratum+tcp://THIS-HOST:{port} -u ADDRESS.worker -p x");
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>poolnode: connect a miner</title>\n\
             <style>body{{font:1rem/1.5 system-ui;max-width:40rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}}\
             code,pre{{background:#8883;padding:.1em .3em;overflow-wrap:anywhere;white-space:pre-wrap}}</style>\n\
             <h1>Connect a miner</h1>\n<p>This port speaks Stratum. Miners are paid by the pool's blocks themselves, to the address they \
             give as user.</p>\n<ul>\n{facts}</ul>\n<pre>{example}</pre>\n</html>\n"
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::config;

    fn answer(request: &[u8]) -> Option<String> {
        let page = ConnectPage::new(&config(sharechain::PowAlgorithm::Blake2s), 3333, true);
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
