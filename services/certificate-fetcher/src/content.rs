//! What a certificate server may answer.

use std::io::BufReader;

/// Most certificates in one answer.
const MAX_CERTIFICATES: usize = 4;

/// An answer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Neither DER certificate nor PEM chain, by its media type.
    #[error(
        "the media type is neither application/pkix-cert nor application/pem-certificate-chain"
    )]
    MediaType,
    /// It holds no certificate, or too many, or something else.
    #[error("the answer holds no certificate, or too many")]
    Content,
}

/// Reads the certificates of an answer, DER, end entity first.
///
/// # Errors
/// [`ContentError`]
pub fn read_certificates(media_type: &str, octets: &[u8]) -> Result<Vec<Vec<u8>>, ContentError> {
    let media_type = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match media_type.as_str() {
        "application/pkix-cert" if octets.first() == Some(&0x30) => Ok(vec![octets.to_vec()]),
        "application/pkix-cert" => Err(ContentError::Content),
        "application/pem-certificate-chain" => {
            let certificates =
                rustls_pemfile::certs(&mut BufReader::new(octets)).collect::<Result<Vec<_>, _>>();
            let certificates = certificates.map_err(|_| ContentError::Content)?;
            if certificates.is_empty() || certificates.len() > MAX_CERTIFICATES {
                return Err(ContentError::Content);
            }
            Ok(certificates
                .into_iter()
                .map(|certificate| certificate.to_vec())
                .collect())
        }
        _ => Err(ContentError::MediaType),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_and_foreign_answers_are_refused_without_panic() {
        let pem = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        assert_eq!(
            read_certificates("application/pem-certificate-chain", pem).map(|chain| chain.len()),
            Ok(1)
        );
        for end in 0..pem.len() - 1 {
            // A shorter text holds either no certificate or a broken one.
            let _ = read_certificates("application/pem-certificate-chain", &pem[..end]);
        }
        assert_eq!(
            read_certificates("text/html", b"<html>"),
            Err(ContentError::MediaType)
        );
        assert_eq!(
            read_certificates("application/pkix-cert; charset=x", b"<html>"),
            Err(ContentError::Content)
        );
        assert_eq!(
            read_certificates("application/pem-certificate-chain", &pem.repeat(5)),
            Err(ContentError::Content)
        );
    }
}
