//! The dashboard: files that are part of the binary, so that page and API are always of one version.
//!
//! Names with a hash in them never change their content, so browsers keep them for ever; the page itself is asked about each time
//! and answered with 304 when it is the one that the browser has.

use std::{collections::BTreeMap, io::Write, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
    },
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use rust_embed::RustEmbed;

use super::problem::problem;

/// The file behind `/`.
const INDEX: &str = "index.html";
/// Shorter files are not worth packing.
const PACKED_LEN_MIN: usize = 512;
/// Digits of the hash in a name.
const HASH_LEN_MIN: usize = 8;

#[derive(RustEmbed)]
#[folder = "dashboard/dist"]
struct Dist;

/// The files, ready to be sent.
#[derive(Debug)]
pub(super) struct Assets {
    files: BTreeMap<String, Asset>,
}

#[derive(Debug)]
struct Asset {
    bytes: Bytes,
    /// The same in gzip, where that is shorter.
    packed: Option<Bytes>,
    etag: HeaderValue,
    media_type: HeaderValue,
    cache: HeaderValue,
}

impl Assets {
    /// Those of the binary.
    pub(super) fn embedded() -> Arc<Self> {
        let file = |name: &str| Some((name.to_owned(), Asset::new(name, Dist::get(name)?.data.into_owned())));
        Arc::new(Self { files: Dist::iter().filter_map(|name| file(&name)).collect() })
    }

    /// The file of a path, or what to say instead.
    pub(super) fn answer(&self, request: &Request) -> Response {
        let name = request.uri().path().trim_start_matches('/');
        let Some(asset) = self.files.get(if name.is_empty() { INDEX } else { name }) else {
            let detail = "GET /api/v1/openapi.json says what there is";
            return problem(StatusCode::NOT_FOUND, "unknown path", detail).into_response();
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let detail = "the page can only be read";
            return problem(StatusCode::METHOD_NOT_ALLOWED, "unknown method", detail).into_response();
        }
        asset.answer(request.headers())
    }
}

impl Asset {
    fn new(name: &str, bytes: Vec<u8>) -> Self {
        let cache = if has_hash(name) { "public, max-age=31536000, immutable" } else { "no-cache" };
        let packed = pack(&bytes).filter(|packed| bytes.len() >= PACKED_LEN_MIN && packed.len() < bytes.len());
        let hash = sharechain::hash::blake2s256(&[bytes.as_slice()]);
        let etag = format!("\"{}\"", hex::encode(hash.get(..8).unwrap_or(&hash)));
        Self {
            etag: HeaderValue::try_from(etag).expect("quotes and hexadecimal digits"),
            media_type: HeaderValue::from_static(media_type(name)),
            cache: HeaderValue::from_static(cache),
            packed: packed.map(Bytes::from),
            bytes: bytes.into(),
        }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let text = |name: HeaderName| {
            headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default()
        };
        let etag = self.etag.to_str().unwrap_or_default();
        let mut known = text(IF_NONE_MATCH).split(',').map(|known| known.trim().trim_start_matches("W/"));
        let is_there = known.any(|known| known == "*" || known == etag);
        let common = [(ETAG, self.etag.clone()), (CACHE_CONTROL, self.cache.clone()), (VARY, ACCEPT_ENCODING.into())];
        if is_there {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        let mut codings = text(ACCEPT_ENCODING).split(',').filter_map(|coding| coding.split(';').next());
        let takes_gzip = codings.any(|coding| coding.trim() == "gzip");
        let media_type = [(CONTENT_TYPE, self.media_type.clone())];
        match self.packed.clone().filter(|_| takes_gzip) {
            Some(packed) => (common, media_type, [(CONTENT_ENCODING, "gzip")], Body::from(packed)).into_response(),
            None => (common, media_type, Body::from(self.bytes.clone())).into_response(),
        }
    }
}

fn pack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// Whether the name has the hash of its content in it: `app-e15a3f76c9.js`.
fn has_hash(name: &str) -> bool {
    let stem = name.rsplit('/').next().and_then(|file| file.split('.').next()).unwrap_or_default();
    let hash = stem.rsplit_once('-').map(|(_, hash)| hash).unwrap_or_default();
    hash.len() >= HASH_LEN_MIN && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(assets: &Assets, path: &str, headers: &[(HeaderName, &str)]) -> Response {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        assets.answer(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn the_page_is_in_the_binary() {
        let page = asked(&Assets::embedded(), "/", &[]);
        assert_eq!(
            (page.status(), &page.headers()[CONTENT_TYPE]),
            (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap())
        );
        assert_eq!(page.headers()[CACHE_CONTROL], "no-cache");
        assert_eq!(asked(&Assets::embedded(), "/../Cargo.toml", &[]).status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn browsers_keep_what_has_a_hash_and_ask_about_the_rest() {
        let text = "body { color: red }\n".repeat(100);
        let file = |name: &str| (name.to_owned(), Asset::new(name, text.clone().into_bytes()));
        let assets = Assets { files: BTreeMap::from([file("assets/app-e15a3f76c9.css"), file("app.css")]) };
        let hashed = asked(&assets, "/assets/app-e15a3f76c9.css", &[(ACCEPT_ENCODING, "br, gzip;q=0.8")]);
        assert_eq!(hashed.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(hashed.headers()[CONTENT_ENCODING], "gzip");
        let plain = asked(&assets, "/app.css", &[]);
        assert!(!plain.headers().contains_key(CONTENT_ENCODING) && plain.headers()[VARY] == "accept-encoding");
        let etag = plain.headers()[ETAG].to_str().unwrap().to_owned();
        for known in [etag.as_str(), &format!("\"x\", W/{etag}"), "*"] {
            assert_eq!(asked(&assets, "/app.css", &[(IF_NONE_MATCH, known)]).status(), StatusCode::NOT_MODIFIED);
        }
        assert_eq!(asked(&assets, "/app.css", &[(IF_NONE_MATCH, "\"x\"")]).status(), StatusCode::OK);
        for (name, expected) in
            [("a-12345678.js", true), ("a-1234567.js", false), ("dark-mode.css", false), ("index.html", false)]
        {
            assert_eq!(has_hash(name), expected, "{name}");
        }
    }
}
