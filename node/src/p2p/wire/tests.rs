use proptest::prelude::*;

use super::*;

fn hello() -> Hello {
    Hello {
        tip: TipClaim { id: ShareId::from_bytes([1; 32]), height: 7, total_work: Work::from_hashes(1 << 70) },
        region: Some(Region::As),
        agent: "poolnode/0.1.0".to_owned(),
    }
}

#[test]
fn messages_round_trip_and_nothing_trails() {
    let id = ShareId::from_bytes([3; 32]);
    let (ids, locator) = (vec![id; IDS_MAX], vec![id; LOCATOR_MAX]);
    let nobody = Hello { region: None, agent: String::new(), ..hello() };
    for request in [
        Request::Hello(hello()),
        Request::Hello(nobody.clone()),
        Request::Range { locator },
        Request::Shares { ids },
        Request::Peers { missing: vec![] },
        Request::Peers { missing: vec![Region::Na, Region::As] },
        Request::Peers { missing: Region::ALL.to_vec() },
        Request::Ads,
    ] {
        let mut bytes = request.encode();
        assert_eq!(Request::decode(&bytes), Ok(request));
        bytes.push(0);
        assert_eq!(Request::decode(&bytes), Err(DecodeError::Trailing { extra: 1 }));
    }
    for response in [
        Response::Hello(nobody),
        Response::Shares { shares: vec![vec![1; 700], vec![]] },
        Response::Shares { shares: vec![] },
        Response::Ids { ids: vec![id; SYNC_IDS_MAX], more: true },
        Response::Ids { ids: vec![], more: false },
        Response::Peers { envelopes: vec![vec![7; ENVELOPE_LEN_MAX]; EXCHANGE_MAX] },
        Response::Ads { ads: vec![vec![7; AD_LEN_MAX]; ADS_MAX] },
    ] {
        let mut bytes = response.encode();
        assert_eq!(Response::decode(&bytes), Ok(response));
        bytes.push(0);
        assert_eq!(Response::decode(&bytes), Err(DecodeError::Trailing { extra: 1 }));
    }
}

#[test]
fn longest_messages_fit_their_bounds() {
    let locator = vec![ShareId::ZERO; LOCATOR_MAX];
    assert!(Request::Range { locator }.encode().len() <= REQUEST_LEN_MAX);
    let ids = vec![ShareId::ZERO; IDS_MAX];
    assert!(Request::Shares { ids }.encode().len() <= REQUEST_LEN_MAX);
    let shares = vec![vec![0; SHARE_LEN_MAX]; SYNC_SHARES_MAX];
    assert!(Response::Shares { shares }.encode().len() <= RESPONSE_LEN_MAX);
    let ids = vec![ShareId::ZERO; SYNC_IDS_MAX];
    assert!(Response::Ids { ids, more: true }.encode().len() <= RESPONSE_LEN_MAX);
}

#[test]
fn agents_with_control_characters_are_refused() {
    let bytes = Request::Hello(Hello { agent: "a\x1b[31m".to_owned(), ..hello() }).encode();
    assert_eq!(Request::decode(&bytes), Err(DecodeError::Malformed { field: "agent" }));
}

#[tokio::test]
async fn a_length_above_the_bound_is_refused_before_it_is_allocated() {
    let mut stream = futures::io::Cursor::new(u32::MAX.to_le_bytes().to_vec());
    assert_eq!(read_frame(&mut stream, 100).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn attack_p6_what_is_no_request_is_told_and_a_line_that_breaks_is_not() {
    let protocol = StreamProtocol::new("/x");
    let read = async |bytes: &[u8]| {
        let mut stream = futures::io::Cursor::new(bytes.to_vec());
        request_response::Codec::read_request(&mut Codec, &protocol, &mut stream).await
    };
    assert_eq!(read(&[1, 0, 0, 0, 9]).await.unwrap(), Err(NoRequest));
    assert_eq!(read(&u32::MAX.to_le_bytes()).await.unwrap(), Err(NoRequest));
    assert_eq!(read(&[2, 0, 0, 0, 1, 0]).await.unwrap(), Ok(Request::Range { locator: vec![] }));
    assert_eq!(read(&[2, 0, 0, 0, 1]).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_frame_is_as_long_as_it_says_and_what_follows_is_left() {
    let mut stream = futures::io::Cursor::new([3, 0, 0, 0, 7, 8, 9, 10]);
    assert_eq!(read_frame(&mut stream, 100).await.unwrap(), [7, 8, 9]);
    assert_eq!(stream.position(), 7);
    let mut cut = futures::io::Cursor::new([3, 0, 0, 0, 7, 8]);
    assert_eq!(read_frame(&mut cut, 100).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

proptest! {
    #[test]
    fn no_bytes_panic_and_what_decodes_encodes_back(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(request) = Request::decode(&bytes) {
            prop_assert_eq!(request.encode(), bytes.clone());
        }
        if let Ok(response) = Response::decode(&bytes) {
            prop_assert_eq!(response.encode(), bytes);
        }
    }
}
