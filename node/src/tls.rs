//! The certificate that miners see: the operator's, or one of our own, made on the first start and kept.
//!
//! Miners do not check who signed a certificate; whoever wants to be sure compares the fingerprint.

use std::{fs, path::Path, sync::Arc};

use rcgen::{CertificateParams, DnType, KeyPair};
use sha2::{Digest, Sha256};
use sharechain::UnixTime;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::{
    config::TlsConfig,
    data_dir::{DataDir, file_error, refuse_loose_mode, write_durably},
    error::NodeError,
};

/// What the endpoint needs of a certificate.
pub(crate) struct Certificate {
    /// Takes connections with it.
    pub(crate) acceptor: TlsAcceptor,
    /// SHA-256 of the certificate, hexadecimal.
    pub(crate) fingerprint: String,
    /// When it ends to hold, Unix seconds.
    pub(crate) expires: UnixTime,
}

/// The configured certificate; `None` when TLS is off.
///
/// # Errors
/// [`NodeError::File`] when a file cannot be read or written, [`NodeError::LooseMode`] when others can read the key,
/// [`NodeError::Certificate`] when what is in them cannot be used.
pub(crate) fn certificate(config: &TlsConfig, data_dir: &DataDir) -> Result<Option<Certificate>, NodeError> {
    match config {
        TlsConfig::Off => Ok(None),
        TlsConfig::Files { cert, key } => load(cert, key).map(Some),
        TlsConfig::Own => {
            let (cert, key) = data_dir.certificate();
            if !cert.exists() || !key.exists() {
                make(&cert, &key)?;
            }
            load(&cert, &key).map(Some)
        }
    }
}

/// Makes a certificate that signs itself. The key is written first: without it a certificate is of no use.
fn make(cert_file: &Path, key_file: &Path) -> Result<(), NodeError> {
    let refused = |reason: rcgen::Error| unusable(cert_file, &reason);
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).map_err(refused)?;
    params.distinguished_name.push(DnType::CommonName, "poolnode");
    let key = KeyPair::generate().map_err(refused)?;
    let cert = params.self_signed(&key).map_err(refused)?;
    write_durably(key_file, key.serialize_pem().as_bytes()).map_err(file_error("write", key_file))?;
    write_durably(cert_file, cert.pem().as_bytes()).map_err(file_error("write", cert_file))
}

/// A certificate with its key, from their files.
///
/// # Errors
/// As [`certificate`].
pub(crate) fn load(cert_file: &Path, key_file: &Path) -> Result<Certificate, NodeError> {
    refuse_loose_mode(key_file)?;
    let cert = fs::read(cert_file).map_err(file_error("read", cert_file))?;
    let key = fs::read(key_file).map_err(file_error("read", key_file))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&cert)
        .collect::<Result<_, _>>()
        .map_err(|reason| unusable(cert_file, &reason))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|reason| unusable(key_file, &reason))?;
    let first = chain.first().ok_or_else(|| unusable(cert_file, &"it holds no certificate"))?;
    let fingerprint = hex::encode(Sha256::digest(first));
    let (_, parsed) = x509_parser::parse_x509_certificate(first).map_err(|reason| unusable(cert_file, &reason))?;
    // Before 1970 it ended all the same.
    let expires = UnixTime::try_from(parsed.validity().not_after.timestamp()).unwrap_or_default();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|reason| unusable(cert_file, &reason))?;
    Ok(Certificate { acceptor: TlsAcceptor::from(Arc::new(config)), fingerprint, expires })
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> NodeError {
    NodeError::Certificate { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(folder.path()).unwrap();
        let first = certificate(&TlsConfig::Own, &data_dir).unwrap().unwrap().fingerprint;
        assert_eq!(first.len(), 64);
        assert_eq!(certificate(&TlsConfig::Own, &data_dir).unwrap().unwrap().fingerprint, first);
        assert!(certificate(&TlsConfig::Off, &data_dir).unwrap().is_none());
        let (cert, key) = data_dir.certificate();
        let files = TlsConfig::Files { cert: cert.clone(), key };
        assert_eq!(certificate(&files, &data_dir).unwrap().unwrap().fingerprint, first);
        fs::write(&cert, "no certificate").unwrap();
        let error = certificate(&files, &data_dir).err().unwrap().to_string();
        assert!(error.contains("stratum-cert.pem") && error.contains("no certificate"), "{error}");
    }
}
