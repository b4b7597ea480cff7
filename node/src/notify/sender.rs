//! Posts a request over HTTP or HTTPS, once, or gets a short answer. Nothing is followed; nothing of the answer to a post is
//! kept but its status.

use std::{io, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Response, StatusCode, Uri, body::Incoming, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Duration, timeout},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

use super::{outbox::Outcome, target::Request};

/// Time for a receiver to answer. Stops one that does not from keeping its notices under way.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Sends requests; cheap to clone.
#[derive(Clone)]
pub struct Sender {
    tls: Option<TlsConnector>,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("tls", &self.tls.is_some()).finish()
    }
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The system has no certificates.
    #[error("the system has no certificates of authorities; hint: install ca-certificates")]
    NoRoots,
    /// They cannot be used.
    #[error("TLS cannot be set up")]
    Tls(#[source] tokio_rustls::rustls::Error),
}

/// Why a request failed; words without secrets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("the URL is none")]
    Url,
    #[error("no connection: {0}")]
    Connect(#[source] io::Error),
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
    #[error("it answers {0}")]
    Status(StatusCode),
    #[error("it answers more than {0} bytes")]
    TooLong(usize),
    #[error("its answer breaks off")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A connection, with TLS or without.
trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

impl Sender {
    /// A sender that trusts whom the system trusts. Without HTTPS targets no certificates are needed.
    ///
    /// # Errors
    /// [`SenderError`].
    pub fn new(urls: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, SenderError> {
        if !urls.into_iter().any(|url| url.as_ref().starts_with("https://")) {
            return Ok(Self { tls: None });
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::with_roots(roots)
    }

    fn with_roots(roots: RootCertStore) -> Result<Self, SenderError> {
        if roots.is_empty() {
            return Err(SenderError::NoRoots);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(SenderError::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Some(TlsConnector::from(Arc::new(config))) })
    }

    /// Sends it, and says what became of it.
    pub(super) async fn send(&self, request: Request) -> Outcome {
        let failed = |reason: String, is_final| Outcome::Failed { reason, is_final };
        match timeout(TIMEOUT, self.exchange(request)).await {
            Ok(Ok(status)) if status.is_success() => Outcome::Delivered,
            Ok(Ok(status)) => failed(format!("the receiver answers {status}"), is_final(status)),
            Ok(Err(cause)) => failed(cause.to_string(), false),
            Err(_) => failed(format!("no answer within {} s", TIMEOUT.as_secs()), false),
        }
    }

    /// What an address answers to a GET, at most so many bytes. How long it may take is the caller's to say.
    pub(crate) async fn get(&self, url: &str, len_max: usize) -> Result<Vec<u8>, SendError> {
        let uri: Uri = url.parse().map_err(|_| SendError::Url)?;
        let message = builder("GET", &uri).body(Full::default()).map_err(|_| SendError::Url)?;
        let socket = self.connect(&uri).await?;
        ask(socket, message, |response| read(response, len_max)).await
    }

    async fn exchange(&self, request: Request) -> Result<StatusCode, SendError> {
        let uri: Uri = request.url.parse().map_err(|_| SendError::Url)?;
        let mut builder = builder("POST", &uri);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        let message = builder.body(Full::new(Bytes::from(request.body))).map_err(|_| SendError::Url)?;
        let socket = self.connect(&uri).await?;
        ask(socket, message, async |response| Ok(response.status())).await
    }

    async fn connect(&self, uri: &Uri) -> Result<Box<dyn Socket>, SendError> {
        let is_tls = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or(SendError::Url)?;
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let bare = host.trim_matches(['[', ']']);
        let socket = TcpStream::connect((bare, port)).await.map_err(SendError::Connect)?;
        if !is_tls {
            return Ok(Box::new(socket));
        }
        let tls = self.tls.as_ref().ok_or(SendError::Url)?;
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| SendError::Url)?;
        Ok(Box::new(tls.connect(name, socket).await.map_err(SendError::Connect)?))
    }
}

/// Whether a receiver that answers so will answer so again: it does not like the request, and not just now.
fn is_final(status: StatusCode) -> bool {
    let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    status.is_client_error() && !passes.contains(&status)
}

/// The head of a request.
fn builder(method: &str, uri: &Uri) -> hyper::http::request::Builder {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str().rsplit('@').next().unwrap_or_default());
    hyper::Request::builder().method(method).uri(path).header(HOST, host).header("user-agent", "poolnode")
}

/// The whole of a short answer.
async fn read(response: Response<Incoming>, len_max: usize) -> Result<Vec<u8>, SendError> {
    if !response.status().is_success() {
        return Err(SendError::Status(response.status()));
    }
    let body = Limited::new(response.into_body(), len_max).collect().await;
    let body = body.map_err(|cause| {
        if cause.is::<LengthLimitError>() { SendError::TooLong(len_max) } else { SendError::Body(cause) }
    })?;
    Ok(body.to_bytes().to_vec())
}

async fn ask<O>(
    socket: Box<dyn Socket>,
    message: hyper::Request<Full<Bytes>>,
    read: impl AsyncFnOnce(Response<Incoming>) -> Result<O, SendError>,
) -> Result<O, SendError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    let answer = async { read(sender.send_request(message).await?).await };
    // The connection is driven for as long as the answer is waited for. When it ends, the answer is there or never will be,
    // and the request knows.
    let driven = async {
        drop(connection.await);
        std::future::pending().await
    };
    tokio::select! {
        biased;
        answer = answer => answer,
        never = driven => never,
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

    use super::*;

    fn request(url: String) -> Request {
        Request { url, headers: vec![("x-test", "1".to_owned())], body: "hello".to_owned() }
    }

    /// Answers one connection with this status, and gives what it read.
    async fn answer(mut socket: impl AsyncRead + AsyncWrite + Unpin, status: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(b"hello") {
            let mut buffer = [0; 1_024];
            let len = socket.read(&mut buffer).await.unwrap();
            assert!(len > 0, "closed");
            read.extend_from_slice(&buffer[..len]);
        }
        socket.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
        String::from_utf8(read).unwrap()
    }

    #[tokio::test]
    async fn a_status_decides_whether_it_is_tried_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sender = Sender::new(["http://x"]).unwrap();
        for (status, wanted) in [
            ("204 No Content", None),
            ("500 Oops", Some(false)),
            ("404 Gone", Some(true)),
            ("429 Slow", Some(false)),
            ("302 Away", Some(false)),
        ] {
            let serve = async { answer(listener.accept().await.unwrap().0, status).await };
            let (read, outcome) = tokio::join!(serve, sender.send(request(format!("http://{address}/a?b=c"))));
            assert!(read.starts_with("POST /a?b=c HTTP/1.1\r\n") && read.contains("x-test: 1\r\n"), "{read}");
            let seen = match outcome {
                Outcome::Delivered => None,
                Outcome::Failed { is_final, .. } => Some(is_final),
            };
            assert_eq!(seen, wanted, "{status}");
        }
        drop(listener);
        assert!(matches!(
            sender.send(request(format!("http://{address}/"))).await,
            Outcome::Failed { is_final: false, .. }
        ));
    }

    #[tokio::test]
    async fn https_is_spoken_with_whom_the_roots_vouch_for_and_with_nobody_else() {
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::try_from(certified.key_pair.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/hook", listener.local_addr().unwrap().port());
        let mut roots = RootCertStore::empty();
        assert!(matches!(Sender::with_roots(roots.clone()), Err(SenderError::NoRoots)));
        roots.add(certified.cert.der().clone()).unwrap();
        let trusting = Sender::with_roots(roots).unwrap();
        let serve = async {
            let socket = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
            answer(socket, "200 OK").await
        };
        let (read, outcome) = tokio::join!(serve, trusting.send(request(url.clone())));
        assert!(read.contains("\r\nhost: localhost:"), "{read}");
        assert_eq!(outcome, Outcome::Delivered);
        let mut others = RootCertStore::empty();
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        others.add(other.cert.der().clone()).unwrap();
        let suspicious = Sender::with_roots(others).unwrap();
        let refuse = async { acceptor.accept(listener.accept().await.unwrap().0).await.is_err() };
        let (is_refused, outcome) = tokio::join!(refuse, suspicious.send(request(url)));
        assert!(is_refused && matches!(outcome, Outcome::Failed { is_final: false, .. }), "{outcome:?}");
    }
}
