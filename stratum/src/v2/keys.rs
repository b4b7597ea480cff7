//! The authority key: by its public half, part of the address that miners are given, they know that they speak to this node.
//!
//! Each connection has a static key of its own, and a certificate for it that is signed with the authority key (specification,
//! section 4.5). Nothing but the node's key file keeps the secret.

use std::{fmt, time::Duration};

use codec_sv2::Handshake;
use noise_sv2::Responder;
use secp256k1::{Keypair, Secp256k1, rand::thread_rng};

use super::limits::CERTIFICATE_SKEW;

/// Bytes of a secret and of a public key.
pub const KEY_LEN: usize = 32;
/// What the text of a public key begins with, little-endian (specification, section 4.7).
const TEXT_VERSION: [u8; 2] = 1_u16.to_le_bytes();

/// Bytes that are no secret key: zero, or not below the order of the group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a secret key of secp256k1")]
pub struct InvalidKey;

/// See the module.
#[derive(Clone)]
pub struct AuthorityKeys {
    pair: Keypair,
}

impl AuthorityKeys {
    /// The keys with this secret, as a node keeps it.
    ///
    /// # Errors
    /// [`InvalidKey`] when the bytes are no secret key; of random bytes, one in 2^128 are none.
    pub fn from_secret(secret: &[u8; KEY_LEN]) -> Result<Self, InvalidKey> {
        let pair = Keypair::from_seckey_slice(&Secp256k1::signing_only(), secret).map_err(|_| InvalidKey)?;
        Ok(Self { pair })
    }

    /// New keys from the system's randomness.
    pub fn generate() -> Self {
        Self { pair: Keypair::new(&Secp256k1::signing_only(), &mut thread_rng()) }
    }

    /// What has to be kept secret, for [`AuthorityKeys::from_secret`].
    pub fn secret(&self) -> [u8; KEY_LEN] {
        self.pair.secret_bytes()
    }

    /// The public key: the x coordinate of a point.
    pub fn public(&self) -> [u8; KEY_LEN] {
        self.pair.x_only_public_key().0.serialize()
    }

    /// What miners are told: `stratum2+tcp://HOST:PORT/` and this text.
    pub fn public_text(&self) -> String {
        public_text(&self.public())
    }

    /// Our side of a handshake. `now` is in Unix seconds.
    pub(super) fn handshake(&self) -> Handshake<Responder> {
        // The certificate begins to be valid a skew ago, see `Transport::accept`.
        let validity = CERTIFICATE_SKEW.saturating_add(CERTIFICATE_SKEW);
        Handshake::responder(Responder::new_with_rng(self.pair, seconds(validity), &mut thread_rng()))
    }
}

/// Base58check of a public key with its version.
fn public_text(public: &[u8; KEY_LEN]) -> String {
    bs58::encode([&TEXT_VERSION[..], public].concat()).with_check().into_string()
}

pub(super) fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

impl fmt::Debug for AuthorityKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorityKeys({})", self.public_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_the_specification() {
        let public = [
            118, 99, 112, 0, 151, 156, 28, 17, 175, 12, 48, 11, 205, 140, 127, 228, 134, 16, 252, 233, 185, 193, 30,
            61, 174, 227, 90, 224, 176, 138, 116, 85,
        ];
        assert_eq!(public_text(&public), "9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh");
    }

    #[test]
    fn a_secret_is_kept_and_told_to_nobody() {
        // BIP340, test vector 0.
        let mut secret = [0; KEY_LEN];
        secret[31] = 3;
        let keys = AuthorityKeys::from_secret(&secret).unwrap();
        let public = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
        assert_eq!(hex::encode(keys.public()), public);
        assert_eq!(keys.secret(), secret);
        assert_eq!(format!("{keys:?}"), format!("AuthorityKeys({})", keys.public_text()));
        let generated = AuthorityKeys::generate();
        let again = AuthorityKeys::from_secret(&generated.secret()).unwrap();
        assert_eq!(again.public(), generated.public());
    }

    #[test]
    fn bytes_that_are_no_key_are_refused() {
        assert_eq!(AuthorityKeys::from_secret(&[0; KEY_LEN]).unwrap_err(), InvalidKey);
        assert_eq!(AuthorityKeys::from_secret(&[0xff; KEY_LEN]).unwrap_err(), InvalidKey);
    }
}
