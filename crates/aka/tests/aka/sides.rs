//! A subscriber as home network and USIM see it.

use aka::{Amf, Autn, HomeVector, Rand, Sqn, SqnArray, Usim, generate_vector};
use identifiers::ServingNetworkName;
use secret::{K, Opc};

pub(crate) fn k() -> K {
    K::new([0x4B; 16])
}

pub(crate) fn opc() -> Opc {
    Opc::new([0x0C; 16])
}

pub(crate) fn snn() -> ServingNetworkName {
    ServingNetworkName::parse("5G:mnc001.mcc001.3gppnetwork.org").unwrap()
}

pub(crate) fn rand(number: u64) -> Rand {
    let mut octets = [0xAB; 16];
    octets[8..].copy_from_slice(&number.to_be_bytes());
    Rand::new(octets)
}

/// A vector with a RAND that belongs to its SQN.
pub(crate) fn vector(sqn: Sqn) -> HomeVector {
    generate_vector(&k(), &opc(), Amf::SEPARATED, sqn, rand(sqn.seq()), &snn()).unwrap()
}

pub(crate) fn usim() -> Usim {
    Usim::new(&k(), &opc(), SqnArray::default())
}

pub(crate) fn sqn(seq: u64, ind: u8) -> Sqn {
    Sqn::new(seq, ind).unwrap()
}

/// The token with one bit turned over.
pub(crate) fn damaged(autn: &Autn, bit: usize) -> Autn {
    let mut octets = *autn.as_octets();
    octets[bit / 8] ^= 1 << (bit % 8);
    Autn::new(octets)
}
