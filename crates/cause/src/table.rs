//! The table itself.

use crate::code::{coap, grpc};

/// Whether the same procedure, started again after a pause, can succeed without anyone acting.
const AGAIN: bool = true;
/// Somebody has to change something first.
const FINAL: bool = false;

macro_rules! causes {
    ($(
        $(#[doc = $note:literal])*
        $number:literal $variant:ident $name:literal
        $grpc:ident $coap:ident $http:literal $three_gpp:expr, $again:ident $text:literal
    )+) => {
        /// Why a procedure was refused or failed.
        ///
        /// The numeric value of a variant is [`Cause::number`]. New causes may come with any release.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum Cause {
            $(
                #[doc = $text]
                $(#[doc = ""] #[doc = $note])*
                $variant = $number,
            )+
        }

        impl Cause {
            /// Every cause, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable number: the value of the proto enum and of an OWA Reject.
            #[must_use]
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// The stable name, in capitals: the `reason` of a gRPC `ErrorInfo`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The number of the gRPC status code (3–16).
            #[must_use]
            pub const fn grpc(self) -> u8 {
                match self { $(Self::$variant => grpc::$grpc),+ }
            }

            /// The code octet of a CoAP response, for example `0x83` for 4.03. RFC 7252 3.
            #[must_use]
            pub const fn coap(self) -> u8 {
                match self { $(Self::$variant => coap::$coap),+ }
            }

            /// The HTTP status (400–599).
            #[must_use]
            pub const fn http(self) -> u16 {
                match self { $(Self::$variant => $http),+ }
            }

            /// The `cause` of a 3GPP problem document, where a specification has one for this case.
            /// TS 29.500 table 5.2.7.2-1, TS 29.509 table 6.1.7.3-1.
            #[must_use]
            pub const fn three_gpp(self) -> Option<&'static str> {
                match self { $(Self::$variant => $three_gpp),+ }
            }

            /// One English sentence for the person who reads the refusal; tells nothing about others.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Whether the same procedure, started again after a pause, can succeed without anyone
            /// acting.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(Self::$variant => $again),+ }
            }
        }
    };
}

causes! {
    // One-way authentication. Source: Berth protocol, OWA version 1.
    1 UnknownManufacturer "UNKNOWN_MANUFACTURER"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The manufacturer of the device is not known to this operator."
    2 CertificateNotReachable "CERTIFICATE_NOT_REACHABLE"
        UNAVAILABLE GATEWAY_TIMEOUT 504 None, AGAIN
        "The certificate of the device could not be fetched."
    3 CertificateHashMismatch "CERTIFICATE_HASH_MISMATCH"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The fetched certificate is not the one that the device named."
    4 CertificateChainInvalid "CERTIFICATE_CHAIN_INVALID"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The certificate of the device does not lead to a trusted manufacturer."
    5 CertificateExpired "CERTIFICATE_EXPIRED"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The certificate of the device is not valid at this time."
    6 CertificateRevoked "CERTIFICATE_REVOKED"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The certificate of the device has been revoked."
    7 DeviceIdentityMismatch "DEVICE_IDENTITY_MISMATCH"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The identity that the device claims is not the one in its certificate."
    8 ProofInvalid "PROOF_INVALID"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The device did not prove that it holds the key of its certificate."
    9 ChallengeStale "CHALLENGE_STALE"
        FAILED_PRECONDITION UNAUTHORIZED 409 None, AGAIN
        "The challenge is too old or already used; the device has to start again."
    10 CloneSuspected "CLONE_SUSPECTED"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The same device identity was used in two places and is held for review."
    11 EvidenceInsufficient "EVIDENCE_INSUFFICIENT"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The device did not show the evidence of its state that this operator demands."
    12 DeviceAlreadyOwned "DEVICE_ALREADY_OWNED"
        ALREADY_EXISTS CONFLICT 409 None, FINAL
        "The device belongs to somebody already."
    13 NoOrder "NO_ORDER"
        FAILED_PRECONDITION FORBIDDEN 403 None, FINAL
        "No order exists for this device."
    14 RateLimited "RATE_LIMITED"
        RESOURCE_EXHAUSTED TOO_MANY_REQUESTS 429 None, AGAIN
        "Too many attempts; try again later."
    15 TemporarilyUnavailable "TEMPORARILY_UNAVAILABLE"
        UNAVAILABLE SERVICE_UNAVAILABLE 503 None, AGAIN
        "The service is not available at the moment; try again later."
    16 SuiteUnsupported "SUITE_UNSUPPORTED"
        FAILED_PRECONDITION BAD_REQUEST 400 None, FINAL
        "Device and network have no cipher suite in common."
    17 NetworkProofUnavailable "NETWORK_PROOF_UNAVAILABLE"
        FAILED_PRECONDITION FORBIDDEN 403 None, FINAL
        "The network cannot prove itself in the way that the device demands."
    18 DeviceBlocked "DEVICE_BLOCKED"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The device is blocked."
    19 UpdateRequired "UPDATE_REQUIRED"
        FAILED_PRECONDITION FORBIDDEN 403 None, FINAL
        "The device needs newer software before it may be used."
    20 TransferInProgress "TRANSFER_IN_PROGRESS"
        FAILED_PRECONDITION CONFLICT 409 None, AGAIN
        "The device is being handed over to another owner or operator."

    // Any procedure.
    100 MalformedMessage "MALFORMED_MESSAGE"
        INVALID_ARGUMENT BAD_REQUEST 400 Some("INVALID_MSG_FORMAT"), FINAL
        "The message does not have the form that its protocol demands."
    101 MandatoryElementMissing "MANDATORY_ELEMENT_MISSING"
        INVALID_ARGUMENT BAD_REQUEST 400 Some("MANDATORY_IE_MISSING"), FINAL
        "The message lacks an element that it must have."
    102 MandatoryElementIncorrect "MANDATORY_ELEMENT_INCORRECT"
        INVALID_ARGUMENT BAD_REQUEST 400 Some("MANDATORY_IE_INCORRECT"), FINAL
        "An element that the message must have holds a value that is not allowed."
    103 Unauthenticated "UNAUTHENTICATED"
        UNAUTHENTICATED UNAUTHORIZED 401 None, FINAL
        "The caller has not proved who it is."
    104 NotAuthorized "NOT_AUTHORIZED"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The caller is not allowed to do this."
    105 NotFound "NOT_FOUND"
        NOT_FOUND NOT_FOUND 404 None, FINAL
        "What was asked for does not exist."
    106 AlreadyExists "ALREADY_EXISTS"
        ALREADY_EXISTS CONFLICT 409 None, FINAL
        "What was to be created exists already."
    107 Conflict "CONFLICT"
        ABORTED CONFLICT 409 None, AGAIN
        "Another change came first; read the present state and try again."
    108 DeadlineExceeded "DEADLINE_EXCEEDED"
        DEADLINE_EXCEEDED GATEWAY_TIMEOUT 504 None, AGAIN
        "The time allowed for the request ended before an answer was there."
    /// Retry only with the same idempotency key, or after reading the state.
    109 OutcomeUnknown "OUTCOME_UNKNOWN"
        UNKNOWN GATEWAY_TIMEOUT 504 None, AGAIN
        "It is not known whether the change was made; ask again with the same request."
    110 StoreUnavailable "STORE_UNAVAILABLE"
        UNAVAILABLE SERVICE_UNAVAILABLE 503 None, AGAIN
        "The service cannot reach its state at the moment; try again later."
    111 Internal "INTERNAL"
        INTERNAL INTERNAL_SERVER_ERROR 500 Some("SYSTEM_FAILURE"), FINAL
        "The service failed; the operator finds the reason in its log."
    112 Overloaded "OVERLOADED"
        RESOURCE_EXHAUSTED SERVICE_UNAVAILABLE 503 Some("NF_CONGESTION"), AGAIN
        "The service has more work than it can do; try again later."
    113 Unsupported "UNSUPPORTED"
        UNIMPLEMENTED NOT_IMPLEMENTED 501 None, FINAL
        "The service does not support this."
    114 NewerSchema "NEWER_SCHEMA"
        FAILED_PRECONDITION INTERNAL_SERVER_ERROR 500 Some("SYSTEM_FAILURE"), FINAL
        "The stored state was written by a newer version of the service."

    // Primary authentication. TS 33.501 6.1, TS 29.509 table 6.1.7.3-1.
    200 ServingNetworkNotAuthorized "SERVING_NETWORK_NOT_AUTHORIZED"
        PERMISSION_DENIED FORBIDDEN 403 Some("SERVING_NETWORK_NOT_AUTHORIZED"), FINAL
        "The caller may not act for this serving network."
    201 AuthenticationRejected "AUTHENTICATION_REJECTED"
        PERMISSION_DENIED FORBIDDEN 403 Some("AUTHENTICATION_REJECTED"), FINAL
        "The subscriber could not be authenticated."
    202 InvalidHnPublicKeyIdentifier "INVALID_HN_PUBLIC_KEY_IDENTIFIER"
        PERMISSION_DENIED FORBIDDEN 403 Some("INVALID_HN_PUBLIC_KEY_IDENTIFIER"), FINAL
        "The home network has no public key with this identifier."
    203 InvalidSchemeOutput "INVALID_SCHEME_OUTPUT"
        PERMISSION_DENIED FORBIDDEN 403 Some("INVALID_SCHEME_OUTPUT"), FINAL
        "The concealed identifier cannot be decrypted."
    204 UnsupportedProtectionScheme "UNSUPPORTED_PROTECTION_SCHEME"
        UNIMPLEMENTED NOT_IMPLEMENTED 501 Some("UNSUPPORTED_PROTECTION_SCHEME"), FINAL
        "The protection scheme of the concealed identifier is not supported."
    205 ContextNotFound "CONTEXT_NOT_FOUND"
        NOT_FOUND NOT_FOUND 404 Some("CONTEXT_NOT_FOUND"), FINAL
        "No authentication with this reference is under way."
    206 UserNotFound "USER_NOT_FOUND"
        NOT_FOUND NOT_FOUND 404 Some("USER_NOT_FOUND"), FINAL
        "The subscriber is not known here."
    207 AvGenerationProblem "AV_GENERATION_PROBLEM"
        INTERNAL INTERNAL_SERVER_ERROR 500 Some("AV_GENERATION_PROBLEM"), AGAIN
        "No authentication vector could be made."
    /// What the USIM reports: MAC in AUTN is wrong. TS 33.102 6.3.3.
    208 MacFailure "MAC_FAILURE"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The challenge did not come from the holder of the subscriber's key."
    /// What the USIM reports: SQN is out of range, AUTS follows. TS 33.102 6.3.3.
    209 SynchFailure "SYNCH_FAILURE"
        FAILED_PRECONDITION CONFLICT 409 None, AGAIN
        "The sequence numbers of subscriber and home network differ; they have to be synchronised."
    210 CredentialNotActive "CREDENTIAL_NOT_ACTIVE"
        FAILED_PRECONDITION FORBIDDEN 403 None, FINAL
        "The credential of the subscriber is not in use, or no longer."
    211 UpstreamFailure "UPSTREAM_FAILURE"
        UNAVAILABLE GATEWAY_TIMEOUT 504 Some("UPSTREAM_SERVER_ERROR"), AGAIN
        "A function that is needed for the answer did not respond."

    // AKMA. TS 33.535 6, TS 29.535.
    /// On the interface of TS 29.535 this case is 204 without a body, not an error.
    300 UnknownAKid "UNKNOWN_A_KID"
        NOT_FOUND UNAUTHORIZED 404 None, AGAIN
        "No AKMA context exists for this A-KID; authenticate again, or try again later."
    301 AfNotAllowed "AF_NOT_ALLOWED"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The application function may not have a key for this subscriber."
    302 StaleAuthenticationEpoch "STALE_AUTHENTICATION_EPOCH"
        FAILED_PRECONDITION CONFLICT 409 None, FINAL
        "A newer authentication of the subscriber is known already."
    303 AKidCollision "A_KID_COLLISION"
        ALREADY_EXISTS CONFLICT 409 None, FINAL
        "The A-KID belongs to another subscriber."

    // Limited session, profiles and packages.
    400 LimitedSessionExpired "LIMITED_SESSION_EXPIRED"
        FAILED_PRECONDITION UNAUTHORIZED 410 None, FINAL
        "The session for setting up the device has ended; the device has to authenticate again."
    401 LimitedSessionUnknown "LIMITED_SESSION_UNKNOWN"
        NOT_FOUND UNAUTHORIZED 404 None, FINAL
        "No session for setting up this device is open; the device has to authenticate again."
    402 LinkCodeInvalid "LINK_CODE_INVALID"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The code is wrong, used or too old."
    403 PlanUnavailable "PLAN_UNAVAILABLE"
        FAILED_PRECONDITION CONFLICT 409 None, FINAL
        "The plan cannot be chosen for this device."
    404 PackageInvalid "PACKAGE_INVALID"
        INVALID_ARGUMENT BAD_REQUEST 400 None, FINAL
        "The package is not what its protocol demands, or was altered."
    405 PackageExpired "PACKAGE_EXPIRED"
        FAILED_PRECONDITION CONFLICT 410 None, FINAL
        "The package may no longer be installed."
    406 RecipientMismatch "RECIPIENT_MISMATCH"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The package is made for another device."
    407 KeysetInvalid "KEYSET_INVALID"
        INVALID_ARGUMENT BAD_REQUEST 400 None, FINAL
        "The operator's set of keys is older than, or different from, the one that the device trusts."
    408 SignatureInvalid "SIGNATURE_INVALID"
        INVALID_ARGUMENT BAD_REQUEST 400 None, FINAL
        "The signature does not verify under a key that may sign this."
    409 ReceiptConflict "RECEIPT_CONFLICT"
        FAILED_PRECONDITION CONFLICT 409 None, FINAL
        "Another receipt for this package was given before."
    410 SealLimit "SEAL_LIMIT"
        RESOURCE_EXHAUSTED TOO_MANY_REQUESTS 429 None, FINAL
        "No more packages are made in this session."
    411 NumberRangeExhausted "NUMBER_RANGE_EXHAUSTED"
        RESOURCE_EXHAUSTED SERVICE_UNAVAILABLE 503 None, FINAL
        "The plan has no free number left."
    412 QuotaExceeded "QUOTA_EXCEEDED"
        RESOURCE_EXHAUSTED FORBIDDEN 403 None, FINAL
        "The allowed amount is used up."

    // MSGin5G. TS 24.538 6, TS 33.501 Annex Y.
    500 UeServiceIdNotAssociated "UE_SERVICE_ID_NOT_ASSOCIATED"
        PERMISSION_DENIED FORBIDDEN 403 None, FINAL
        "The UE Service ID does not belong to the subscriber of this session."
    501 NotRegistered "NOT_REGISTERED"
        FAILED_PRECONDITION FORBIDDEN 403 None, FINAL
        "The UE Service ID is not registered."
    502 UnknownRecipient "UNKNOWN_RECIPIENT"
        NOT_FOUND NOT_FOUND 404 None, FINAL
        "The recipient is not known."
    503 ContentFormatUnsupported "CONTENT_FORMAT_UNSUPPORTED"
        INVALID_ARGUMENT UNSUPPORTED_CONTENT_FORMAT 415 None, FINAL
        "The content format of the request is not supported."
    504 PayloadTooLarge "PAYLOAD_TOO_LARGE"
        INVALID_ARGUMENT REQUEST_ENTITY_TOO_LARGE 413 None, FINAL
        "The payload is larger than the service takes."
    505 AssociationUnavailable "ASSOCIATION_UNAVAILABLE"
        UNAVAILABLE SERVICE_UNAVAILABLE 503 None, AGAIN
        "It cannot be checked at the moment whom the UE Service ID belongs to; try again later."
}
