use std::{fs, io::Write};

use tokio::{io::AsyncWriteExt, net::TcpListener};

use super::{super::PriceError, *};

fn source(name: &str, place: Place, pointer: Option<&str>) -> Source {
    Source { name: name.to_owned(), place, pointer: pointer.map(ToOwned::to_owned) }
}

fn command(words: &[&str]) -> Source {
    source("program", Place::Command(words.iter().map(|word| (*word).to_owned()).collect()), None)
}

async fn fetch(source: &Source) -> Sample {
    Fetcher::new([source]).unwrap().fetch(source).await
}

#[tokio::test]
async fn a_file_is_read_with_the_time_of_its_last_change() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("price");
    fs::write(&path, "42.5\n").unwrap();
    let file = source("file", Place::File(path.clone()), None);
    let sample = fetch(&file).await;
    assert_eq!(sample.price, Ok(42.5));
    assert!(unix_now().saturating_sub(sample.at) < 60);
    let old = std::time::SystemTime::now() - Duration::from_secs(3_600);
    File::options().append(true).open(&path).unwrap().set_modified(old).unwrap();
    let sample = fetch(&file).await;
    assert!(unix_now() - sample.at >= 3_600);
    assert!(matches!(
        combine(&[sample.clone(), sample], unix_now(), &PriceLimits::default()),
        Err(PriceError::Stale { .. })
    ));
    File::create(&path).unwrap().write_all(&[b'1'; PRICE_BODY_LEN_MAX + 10]).unwrap();
    assert_eq!(fetch(&file).await.price, Err(ParseError::TooLong));
    assert!(fetch(&source("dir", Place::File(dir.path().to_owned()), None)).await.price.is_err());
    assert!(fetch(&source("none", Place::File(dir.path().join("none")), None)).await.price.is_err());
}

#[tokio::test]
async fn a_program_is_started_without_a_shell() {
    assert_eq!(fetch(&command(&["echo", "7.25"])).await.price, Ok(7.25));
    assert_eq!(fetch(&command(&["echo", "$(echo", "7)"])).await.price, Err(ParseError::NoNumber));
    assert!(fetch(&command(&["printenv", "HOME"])).await.price.is_err());
    let failed = fetch(&command(&["false"])).await.price.unwrap_err();
    assert!(failed.to_string().contains("exit status: 1"), "{failed}");
    assert!(fetch(&command(&[])).await.price.is_err());
    assert!(fetch(&command(&["/no/such/program"])).await.price.is_err());
    assert_eq!(fetch(&command(&["head", "-c", "100000", "/dev/zero"])).await.price, Err(ParseError::TooLong));
}

#[tokio::test]
async fn a_program_that_does_not_end_is_given_up() {
    let slow = command(&["sleep", "1000"]);
    let fetcher = Fetcher { timeout: Duration::from_millis(20), ..Fetcher::new([&slow]).unwrap() };
    let late = fetcher.fetch(&slow).await.price.unwrap_err();
    assert_eq!(late.to_string(), "it cannot be read: no answer within 20ms");
}

/// Answers one request with this.
async fn serve(listener: &TcpListener, answer: &str) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"GET /ticker?pair=x HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&head));
    // A client that has seen enough closes.
    drop(socket.write_all(answer.as_bytes()).await);
}

#[tokio::test]
async fn http_is_asked_and_its_json_pointed_into() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ticker?pair=x", listener.local_addr().unwrap());
    let http = source("web", Place::Http(url), Some("/result/last"));
    let ok = |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let long = ok(&" ".repeat(PRICE_BODY_LEN_MAX + 1));
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(PRICE_BODY_LEN_MAX + 1));
    for (answer, wanted) in [
        (ok(r#"{"result":{"last":"12.5"}}"#), Ok(12.5)),
        (ok("nothing"), Err("it answers no JSON")),
        ("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n".to_owned(), Err("500")),
        ("HTTP/1.1 302 Away\r\nlocation: http://x/\r\ncontent-length: 0\r\n\r\n".to_owned(), Err("302")),
        (long, Err("more than 65536 bytes")),
        (endless, Err("more than 65536 bytes")),
        ("garbage\r\n\r\n".to_owned(), Err("it cannot be read")),
    ] {
        let (_, sample) = tokio::join!(serve(&listener, &answer), fetch(&http));
        match (sample.price, wanted) {
            (Ok(price), Ok(wanted)) => assert_eq!(price, wanted),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (price, wanted) => panic!("{price:?} {wanted:?}"),
        }
    }
}

#[tokio::test]
async fn the_task_publishes_what_sources_agree_on_and_keeps_a_price_until_it_is_too_old() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("price");
    fs::write(&path, "100").unwrap();
    let coins = BTreeMap::from([
        ("good".to_owned(), vec![source("file", Place::File(path.clone()), None), command(&["echo", "102"])]),
        ("apart".to_owned(), vec![source("file", Place::File(path.clone()), None), command(&["echo", "150"])]),
        ("alone".to_owned(), vec![command(&["echo", "1"])]),
    ]);
    let fetcher = Fetcher::new(coins.values().flatten()).unwrap();
    let (mut task, seen) = PriceTask::new(coins, PriceLimits::default(), fetcher);
    assert!(seen.borrow().is_empty());
    task.look().await;
    let good = seen.borrow()["good"].quote().unwrap().price;
    assert_eq!(good, 101.0);
    assert!(matches!(seen.borrow()["apart"].quote(), Err(PriceError::Spread { .. })));
    assert!(matches!(seen.borrow()["alone"].quote(), Err(PriceError::TooFew { usable: 1, .. })));
    fs::remove_file(&path).unwrap();
    task.look().await;
    assert_eq!(seen.borrow()["good"].quote().unwrap().price, 101.0, "one failure is not ten minutes");
}

#[tokio::test]
async fn the_task_ends_when_it_is_told_to() {
    let coins = BTreeMap::from([("x".to_owned(), vec![command(&["sleep", "1000"])])]);
    let fetcher = Fetcher::new([]).unwrap();
    let (task, _seen) = PriceTask::new(coins, PriceLimits::default(), fetcher);
    let token = CancellationToken::new();
    token.cancel();
    task.run(token).await;
}
