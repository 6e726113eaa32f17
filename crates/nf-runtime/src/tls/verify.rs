//! Verification of peers: chain to the CA, and an identity in the certificate.

use std::sync::Arc;

use nf_api::{Caller, NetworkFunction};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible,
    RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{TlsError, provider, spiffe};

/// Accepts every caller of the trust domain; what it may do is for authorization.
#[derive(Debug)]
pub(super) struct CallerVerifier {
    chain: Arc<dyn ClientCertVerifier>,
    trust_domain: String,
}

impl CallerVerifier {
    pub(super) fn new(roots: Arc<RootCertStore>, trust_domain: &str) -> Result<Self, TlsError> {
        let chain = WebPkiClientVerifier::builder_with_provider(roots, provider())
            .build()
            .map_err(TlsError::Authority)?;
        Ok(Self {
            chain,
            trust_domain: trust_domain.to_owned(),
        })
    }
}

impl ClientCertVerifier for CallerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .chain
            .verify_client_cert(end_entity, intermediates, now)?;
        let caller = spiffe::peer_of(Some(std::slice::from_ref(end_entity)), &self.trust_domain);
        caller.map(|_| verified).ok_or_else(wrong_identity)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Accepts one function, under whatever address it answers.
#[derive(Debug)]
pub(super) struct CalleeVerifier {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    callee: NetworkFunction,
    trust_domain: String,
}

impl CalleeVerifier {
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        callee: NetworkFunction,
        trust_domain: &str,
    ) -> Self {
        let algorithms = provider().signature_verification_algorithms;
        Self {
            roots,
            algorithms,
            callee,
            trust_domain: trust_domain.to_owned(),
        }
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )?;
        match spiffe::peer_of(Some(std::slice::from_ref(end_entity)), &self.trust_domain) {
            Some(Caller::Function { function, .. }) if function == self.callee => Ok(()),
            _ => Err(wrong_identity()),
        }
    }
}

impl ServerCertVerifier for CalleeVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(end_entity, intermediates, now)
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether peers that trust `roots` accept a chain as that of a function: those that it calls, and those that call it.
pub(super) fn identity(
    chain: &[CertificateDer<'_>],
    roots: &Arc<RootCertStore>,
    function: NetworkFunction,
    trust_domain: &str,
    now: UnixTime,
) -> Result<(), Error> {
    let (end_entity, intermediates) = chain.split_first().ok_or_else(wrong_identity)?;
    CallerVerifier::new(Arc::clone(roots), trust_domain)
        .map_err(|error| Error::General(error.to_string()))?
        .verify_client_cert(end_entity, intermediates, now)?;
    if function == NetworkFunction::AccessGateway {
        // Nobody calls it.
        return match spiffe::peer_of(Some(chain), trust_domain) {
            Some(Caller::Function {
                function: named, ..
            }) if named == function => Ok(()),
            _ => Err(wrong_identity()),
        };
    }
    CalleeVerifier::new(Arc::clone(roots), function, trust_domain).verify(
        end_entity,
        intermediates,
        now,
    )
}

const fn wrong_identity() -> Error {
    Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
}

const fn only_tls13() -> Error {
    Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered)
}
