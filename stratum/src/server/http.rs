//! Answers a browser on the Stratum port, once, and closes.

use tokio::{io::AsyncWriteExt, time::timeout};

use super::{
    connection::Ended,
    stream::{Inbox, Stream},
};
use crate::{
    connect_page::ConnectPage,
    limits::{SUBSCRIBE_TIMEOUT, WRITE_TIMEOUT},
};

pub(super) async fn answer(mut stream: Stream, inbox: Inbox, page: &ConnectPage) -> Ended {
    let Ok(Some(answer)) = timeout(SUBSCRIBE_TIMEOUT, request(&mut stream, inbox, page)).await else {
        return "no HTTP request";
    };
    let sending = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await
    };
    match timeout(WRITE_TIMEOUT, sending).await {
        Ok(Ok(())) => "a browser was told how to connect",
        _ => "the socket is gone",
    }
}

async fn request(stream: &mut Stream, mut inbox: Inbox, page: &ConnectPage) -> Option<Vec<u8>> {
    loop {
        if let Some(answer) = page.answer(inbox.unused()) {
            return Some(answer);
        }
        if inbox.fill(stream).await.ok()? == 0 {
            return None;
        }
    }
}
