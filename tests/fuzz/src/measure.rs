//! How much memory a decoder takes at most while it runs.

/// Runs `decode` on `bytes` and checks that it never holds more than `factor` bytes for each of its input and a
/// kilobyte: a length that lies must not be believed.
pub fn bounded<T>(bytes: &[u8], factor: u64, decode: impl FnOnce(&[u8]) -> T) -> T {
    let mut decoded = None;
    let held = allocation_counter::measure(|| decoded = Some(decode(bytes))).bytes_max;
    let bound = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_mul(factor).saturating_add(1024);
    assert!(held <= bound, "{} bytes made the decoder hold {held} bytes, more than {bound}", bytes.len());
    decoded.expect("measure runs what it is given")
}
