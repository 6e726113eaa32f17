//! Keys that only the derivations of this crate make.
//!
//! They behave like the types of the crate `secret`: erased on drop, compared in constant time, never
//! printed.

secret::keys! {
    /// OP, the operator variant algorithm configuration field. TS 35.206 clause 3.
    ///
    /// Only the making of a subscriber needs it; what is stored is OPc.
    Op(16);
    /// RES or XRES as MILENAGE makes it, before it is bound to the serving network. TS 35.206 f2.
    Res(8);
    /// A NAS, RRC or user plane key of a 128-bit algorithm. TS 33.501 A.8.
    AlgorithmKey(16);
    /// K_gNB, or K_N3IWF for non-3GPP access. TS 33.501 A.9.
    KGnb(32);
    /// The next hop parameter NH. TS 33.501 A.10.
    NextHop(32);
    /// CK', the cipher key bound to the serving network. TS 33.501 A.3.
    CkPrime(16);
    /// IK', the integrity key bound to the serving network. TS 33.501 A.3.
    IkPrime(16);
    /// K_encr of EAP-AKA'. RFC 9048 3.3.
    KEncr(16);
    /// K_aut of EAP-AKA'. RFC 9048 3.3.
    KAut(32);
    /// K_re of EAP-AKA'. RFC 9048 3.3.
    KRe(32);
    /// The master session key MSK of an EAP method. RFC 3748 7.10.
    Msk(64);
    /// The extended master session key EMSK of an EAP method. RFC 3748 7.10.
    Emsk(64);
}
