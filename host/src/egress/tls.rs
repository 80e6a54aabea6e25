//! Trust: the system's roots, an author's own authority beside them, a client's certificate.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Extra authorities and a client's identity, read from PEM.
#[derive(Default)]
pub(crate) struct Trust {
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl Clone for Trust {
    fn clone(&self) -> Self {
        let identity = self.identity.as_ref().map(|(chain, key)| (chain.clone(), key.clone_key()));
        Self { authorities: self.authorities.clone(), identity }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("authorities", &self.authorities.len())
            .field("identity", &self.identity.as_ref().map(|_| "***"))
            .finish()
    }
}

impl Trust {
    /// Reads both; the error says which is wrong and why.
    pub(crate) fn parse(ca: Option<&[u8]>, identity: Option<&[u8]>) -> Result<Self, String> {
        let certificates = |pem: &[u8], what: &str| -> Result<Vec<CertificateDer<'static>>, String> {
            let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            let read = read.map_err(|error| format!("{what}: is not PEM: {error}"))?;
            if read.is_empty() { Err(format!("{what}: holds no certificate in PEM form")) } else { Ok(read) }
        };
        let authorities = ca.map(|pem| certificates(pem, "ca")).transpose()?.unwrap_or_default();
        let identity = identity
            .map(|pem| {
                let chain = certificates(pem, "identity")?;
                let key = PrivateKeyDer::from_pem_slice(pem)
                    .map_err(|_| "identity: holds no private key in PEM form".to_owned())?;
                Ok::<_, String>((chain, key))
            })
            .transpose()?;
        Ok(Self { authorities, identity })
    }

    /// Whether it is more than the system's, or shows who asks: what is meant for the granted place alone.
    pub(crate) fn is_own(&self) -> bool {
        !self.authorities.is_empty() || self.identity.is_some()
    }

    /// What a connection for this grant trusts. Nothing of the process is changed: the provider is
    /// named here and not installed.
    pub(crate) fn client_config(&self, https: bool) -> Result<ClientConfig, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?;
        if !https {
            // Reading the system's roots costs milliseconds, and a plain connection needs none.
            return Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
        }
        let verifier = self.verifier(provider)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        match &self.identity {
            None => Ok(builder.with_no_client_auth()),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| format!("the client's certificate cannot be used: {error}")),
        }
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, String> {
        use rustls_platform_verifier::Verifier;
        let verifier = if self.authorities.is_empty() {
            Verifier::new(provider)
        } else {
            #[cfg(target_os = "android")]
            return Err("extra authorities are not supported on this system".to_owned());
            #[cfg(not(target_os = "android"))]
            Verifier::new_with_extra_roots(self.authorities.iter().cloned(), provider)
        };
        match verifier {
            Ok(verifier) => Ok(Arc::new(verifier)),
            Err(error) => Err(format!("the system's certificates cannot be read: {error}")),
        }
    }
}
