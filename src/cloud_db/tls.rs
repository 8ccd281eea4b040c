//! TLS: whom the hub believes that it is the database.

use std::{io, path::PathBuf, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use super::dsn::{Roots, Trust};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// `sslrootcert` names a file that cannot be read, or that holds no certificate.
    #[error("sslrootcert of DATABASE_URL, {}, holds no certificate that can be read", .0.display())]
    Roots(PathBuf),
    /// The system trusts nobody.
    #[error(
        "TLS cannot be set up: are the system's root certificates (ca-certificates) installed?"
    )]
    System(#[source] Error),
}

/// Looks at certificates as libpq's sslmode says.
#[derive(Debug)]
struct Verifier {
    /// Who knows the roots; without, anybody will do.
    roots: Option<Arc<dyn ServerCertVerifier>>,
    /// Whether the name counts.
    named: bool,
    provider: Arc<CryptoProvider>,
}

/// What a connection needs; `None` for one without TLS.
///
/// # Errors
/// [`TlsError`]
pub fn client(trust: &Trust) -> Result<Option<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (roots, named) = match trust {
        Trust::Plain => return Ok(None),
        Trust::Anybody => (None, false),
        Trust::Signed(roots) => (Some(verifier(roots, &provider)?), false),
        Trust::Named(roots) => (Some(verifier(roots, &provider)?), true),
    };
    let verifier = Verifier {
        roots,
        named,
        provider: provider.clone(),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::System)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    // For `sslnegotiation=direct`; others do not mind.
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(Some(config))
}

fn verifier(
    roots: &Roots,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let Roots::File(file) = roots else {
        let verifier = rustls_platform_verifier::Verifier::new(provider.clone());
        return Ok(Arc::new(verifier.map_err(TlsError::System)?));
    };
    let unreadable = || TlsError::Roots(file.clone());
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|_| unreadable())? {
        let certificate = certificate.map_err(|_| unreadable())?;
        store.add(certificate).map_err(|_| unreadable())?;
    }
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone());
    Ok(builder.build().map_err(|_| unreadable())?)
}

/// What rustls says about a connection that failed, if that was it.
pub fn cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| inner.downcast_ref::<Error>()) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

// === impl Verifier ===

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(roots) = &self.roots else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified = roots.verify_server_cert(end_entity, intermediates, name, ocsp, now);
        match verified {
            // The name is looked at last: whoever signed it is known by then.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.named => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
