//! How much memory a decoder takes at most while it runs.

/// Runs `decode` on `bytes` and checks that it never holds more than `factor` bytes for each of its input and a
/// kilobyte: a length that lies must not be believed.
pub fn bounded<T>(bytes: &[u8], factor: u64, decode: impl FnOnce(&[u8]) -> T) -> T {
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    bounded_by(len.saturating_mul(factor).saturating_add(1024), || decode(bytes))
}

/// Runs `decode` and checks that it never holds more than `bound` bytes.
pub fn bounded_by<T>(bound: u64, decode: impl FnOnce() -> T) -> T {
    let mut decoded = None;
    let held = allocation_counter::measure(|| decoded = Some(decode())).bytes_max;
    assert!(held <= bound, "the decoder held {held} bytes, more than {bound}");
    decoded.expect("measure runs what it is given")
}
