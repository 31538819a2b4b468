//! Certificates: a quorum of validators over one digest, as a vault checks it.
//!
//! - Signatures are secp256k1 with `v` 27 or 28 and low `s`, ordered by their signers, strictly ascending.
//! - Quorum: `floor(2n/3) + 1` of n; for a freeze `floor(n/3) + 1`.
//! - Keeps: nobody counts twice, nobody outside the set counts, nothing signed for one spoke or epoch counts for
//!   another (I09).

pub use ballast_types::SIGNERS_MOST;

use crate::message::EncodeError;
use ballast_types::{Hash, Signer, digest::keccak};
use k256::ecdsa::{RecoveryId, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Who may sign, from one rotation to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    epoch: u32,
    signers: Vec<Signer>,
}

impl ValidatorSet {
    /// A set of at least one, strictly ascending, of at most [`SIGNERS_MOST`].
    pub fn new(epoch: u32, signers: Vec<Signer>) -> Result<Self, SetError> {
        let count = signers.len();
        if count == 0 {
            return Err(SetError::Empty);
        }
        if SIGNERS_MOST < count {
            return Err(SetError::TooMany { count, limit: SIGNERS_MOST });
        }
        // Zero, which recovering a signature gives for nobody, is in no set: it is where the ascent begins.
        let before = std::iter::once(&Signer([0; 20])).chain(&signers);
        if let Some((before, after)) = before.zip(&signers).find(|(before, after)| after <= before) {
            return Err(SetError::Unsorted { before: *before, after: *after });
        }
        Ok(Self { epoch, signers })
    }

    /// The set of some keys, in whatever order they are.
    pub fn of(epoch: u32, keys: &[Key]) -> Result<Self, SetError> {
        let mut signers: Vec<Signer> = keys.iter().map(Key::signer).collect();
        signers.sort_unstable();
        Self::new(epoch, signers)
    }

    /// From 0, one more with each rotation.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Ascending.
    #[must_use]
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// How many it takes to move something.
    #[must_use]
    pub fn quorum(&self) -> usize {
        quorum(self.signers.len())
    }

    /// How many it takes to stop everything for a while.
    #[must_use]
    pub fn freeze_quorum(&self) -> usize {
        freeze_quorum(self.signers.len())
    }

    /// Whether at least `need` of the set signed `digest`, and nothing else is in the certificate.
    pub fn verify(
        &self,
        digest: Hash,
        certificate: &Certificate,
        need: usize,
    ) -> Result<(), CertificateError> {
        let have = certificate.signatures.len();
        if have < need {
            return Err(CertificateError::BelowQuorum { have, need });
        }
        let mut last = None;
        for (index, signature) in certificate.signatures.iter().enumerate() {
            let signer = signature.recover(digest).map_err(|fault| fault.at(index))?;
            if last == Some(signer) {
                return Err(CertificateError::SignerRepeated { index, signer });
            }
            if last.is_some_and(|last| signer < last) {
                return Err(CertificateError::SignersUnsorted { index, signer });
            }
            if self.signers.binary_search(&signer).is_err() {
                return Err(CertificateError::UnknownSigner { index, signer });
            }
            last = Some(signer);
        }
        Ok(())
    }
}

/// `floor(2n/3) + 1`: of four three, of one the one.
#[must_use]
pub const fn quorum(validators: usize) -> usize {
    validators * 2 / 3 + 1
}

/// `floor(n/3) + 1`: of four two, of one the one.
#[must_use]
pub const fn freeze_quorum(validators: usize) -> usize {
    validators / 3 + 1
}

/// Two thirds of the attestation chain's members, rounded up: of three two.
#[must_use]
pub const fn two_thirds(members: usize) -> usize {
    (members * 2).div_ceil(3)
}

/// Why signers are no set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// Nobody.
    #[error("a set of validators has at least one")]
    Empty,
    /// Their quorum would be more than a certificate counts.
    #[error("{count} validators, there can be {limit} at most")]
    TooMany {
        /// How many they are.
        count: usize,
        /// How many there can be.
        limit: usize,
    },
    /// Not strictly ascending.
    #[error("{after} comes after {before}; signers ascend, each once")]
    Unsorted {
        /// A signer.
        before: Signer,
        /// The one that follows.
        after: Signer,
    },
}

/// Signatures of a quorum over one digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// By signer, strictly ascending.
    pub signatures: Vec<Signature>,
}

impl Certificate {
    /// Signs with every one of `keys`, in the order that a certificate has.
    #[must_use]
    pub fn sign(digest: Hash, keys: &[Key]) -> Self {
        let mut keys: Vec<&Key> = keys.iter().collect();
        keys.sort_unstable_by_key(|key| key.signer());
        Self { signatures: keys.into_iter().map(|key| key.sign(digest)).collect() }
    }

    /// `count (1) || count times signature (65)`. What a count of one byte cannot say is left out: no set is so large.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let count = u8::try_from(self.signatures.len()).unwrap_or(u8::MAX);
        let signatures = self.signatures.iter().take(usize::from(count));
        std::iter::once(count).chain(signatures.flat_map(Signature::encode)).collect()
    }
}

/// A secp256k1 signature that names its signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Big endian.
    pub r: [u8; 32],
    /// Big endian, in the lower half.
    pub s: [u8; 32],
    /// 27 or 28.
    pub v: u8,
}

impl Signature {
    /// `r (32) || s (32) || v (1)`.
    #[must_use]
    pub fn encode(&self) -> [u8; 65] {
        let mut bytes = [self.v; 65];
        bytes[..32].copy_from_slice(&self.r);
        bytes[32..64].copy_from_slice(&self.s);
        bytes
    }

    /// The signature that bytes are; whose, if anybody's, [`Signature::recover`] tells.
    #[must_use]
    pub fn decode(bytes: &[u8; 65]) -> Self {
        let half = |from: usize| std::array::from_fn(|at| bytes[from + at]);
        Self { r: half(0), s: half(32), v: bytes[64] }
    }

    /// Who signed `digest` so.
    pub fn recover(&self, digest: Hash) -> Result<Signer, SignatureFault> {
        let id = self.v.checked_sub(27).filter(|id| *id <= 1).and_then(RecoveryId::from_byte);
        let id = id.ok_or(SignatureFault::BadV(self.v))?;
        let signature = k256::ecdsa::Signature::from_scalars(self.r, self.s);
        let signature = signature.map_err(|_| SignatureFault::NoSignature)?;
        if signature.normalize_s().is_some() {
            return Err(SignatureFault::HighS);
        }
        let key = VerifyingKey::recover_from_prehash(&digest.0, &signature, id);
        key.map(|key| signer(&key)).map_err(|_| SignatureFault::NoSignature)
    }
}

/// 0x and 130 hexadecimal digits.
impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.encode().iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&format!("0x{digits}"))
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| {
            let expected = "expected 0x and 130 hexadecimal digits";
            serde::de::Error::custom(format!("{expected}, found {} characters: {text:?}", text.len()))
        })
    }
}

fn parse(text: &str) -> Option<Signature> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.is_ascii() && digits.len() == 130)?;
    let mut bytes = [0; 65];
    for (byte, at) in bytes.iter_mut().zip((0..130).step_by(2)) {
        *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
    }
    Some(Signature::decode(&bytes))
}

/// What is wrong with one signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// Neither 27 nor 28.
    #[error("v is {0}, expected 27 or 28")]
    BadV(u8),
    /// Its other half would be as good: whoever sees it could make a second one.
    #[error("s is in the upper half")]
    HighS,
    /// No key signs so.
    #[error("no key signs so")]
    NoSignature,
}

impl SignatureFault {
    const fn at(self, index: usize) -> CertificateError {
        match self {
            Self::BadV(found) => CertificateError::BadV { index, found },
            Self::HighS => CertificateError::HighS { index },
            Self::NoSignature => CertificateError::NoSignature { index },
        }
    }
}

/// Why a certificate is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Signed for another spoke.
    #[error("signed for the spoke {have}, this is {want}")]
    WrongDomain {
        /// What it was signed for.
        have: Hash,
        /// What checks it.
        want: Hash,
    },
    /// Signed by another set.
    #[error("signed by the set of epoch {have}, the set of epoch {want} decides")]
    WrongEpoch {
        /// Whose it is.
        have: u32,
        /// Whose it should be.
        want: u32,
    },
    /// What was signed cannot be written down.
    #[error("what was signed cannot be written: {0}")]
    Unwritable(#[from] EncodeError),
    /// Too few.
    #[error("{have} signatures, {need} are needed")]
    BelowQuorum {
        /// In the certificate.
        have: usize,
        /// Of the set.
        need: usize,
    },
    /// Neither 27 nor 28.
    #[error("signature {index}: v is {found}, expected 27 or 28")]
    BadV {
        /// Which, from 0.
        index: usize,
        /// What it has.
        found: u8,
    },
    /// In the upper half.
    #[error("signature {index}: s is in the upper half")]
    HighS {
        /// Which, from 0.
        index: usize,
    },
    /// No key signs so.
    #[error("signature {index}: no key signs so")]
    NoSignature {
        /// Which, from 0.
        index: usize,
    },
    /// The same signer twice.
    #[error("signature {index}: {signer} signed already")]
    SignerRepeated {
        /// Which, from 0.
        index: usize,
        /// Who.
        signer: Signer,
    },
    /// Not ascending.
    #[error("signature {index}: {signer} comes before the signer ahead of it")]
    SignersUnsorted {
        /// Which, from 0.
        index: usize,
        /// Who.
        signer: Signer,
    },
    /// Not of the set; or what was signed is something else.
    #[error("signature {index}: {signer} is not of the set")]
    UnknownSigner {
        /// Which, from 0.
        index: usize,
        /// Who.
        signer: Signer,
    },
}

/// A validator's secp256k1 key.
#[derive(Clone)]
pub struct Key(SigningKey);

impl Key {
    /// From its 32 bytes; none where they are zero or beyond the group's order.
    #[must_use]
    pub fn from_bytes(secret: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(secret).ok().map(Self)
    }

    /// The key that a label stands for: for chains in this process and for tests, where nothing is secret.
    #[must_use]
    pub fn from_label(label: &str) -> Self {
        let mut secret = keccak(&[b"BALLAST-TEST-KEY", label.as_bytes()]);
        loop {
            match Self::from_bytes(&secret.0) {
                Some(key) => return key,
                None => secret = keccak(&[&secret.0]),
            }
        }
    }

    /// As vaults know it.
    #[must_use]
    pub fn signer(&self) -> Signer {
        signer(self.0.verifying_key())
    }

    /// Signs a digest; the same one always alike.
    #[must_use]
    pub fn sign(&self, digest: Hash) -> Signature {
        let (signature, id) =
            self.0.sign_prehash_recoverable(&digest.0).expect("a digest has 32 bytes, as the group's order");
        let (r, s) = signature.split_bytes();
        // The library's signatures have low s. `r` beyond the order, the other two ids, has no v: one in 2^127.
        Signature { r: r.into(), s: s.into(), v: 27 + id.to_byte() }
    }
}

impl fmt::Debug for Key {
    /// Whose, and nothing secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.signer()).finish()
    }
}

/// The last 20 bytes of the hash of an uncompressed key, without its leading byte.
fn signer(key: &VerifyingKey) -> Signer {
    let point = key.to_encoded_point(false);
    let hash = keccak(&[&point.as_bytes()[1..]]);
    Signer(hash.0[12..].try_into().expect("32 less 12 bytes"))
}
