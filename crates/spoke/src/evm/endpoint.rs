//! The endpoints of one chain, and how far each is believed.
//!
//! - One is asked at a time; when it fails, the next one that is not resting.
//! - Rests: a slow, silent or rate-limiting one for a moment that doubles; one that lied for an hour.
//! - Trust: what one endpoint tells counts in full only while another one has the same blocks ([`Trust`]).

use crate::evm::{EvmError, connect};
use alloy::eips::BlockId;
use alloy::primitives::B256;
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{Block, Filter, Log, TransactionReceipt};
use std::future::Future;
use std::time::{Duration, Instant};

/// An answer that takes longer is none.
const ANSWER: Duration = Duration::from_secs(5);

/// First rest after a failure; each further one doubles it, up to [`REST_MOST`].
const REST: Duration = Duration::from_millis(500);
const REST_MOST: Duration = Duration::from_secs(60);

/// Rest of one that lied.
const REST_LIAR: Duration = Duration::from_secs(3_600);

/// How far what was read can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Another endpoint has the same blocks.
    Full,
    /// Only one endpoint answers: nothing counts before it is final.
    Lower,
}

/// Why an endpoint is not asked for a while.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It does not answer, or says no.
    #[error("does not answer: {0}")]
    Silent(String),
    /// It answers too few requests.
    #[error("limits the rate of requests: {0}")]
    RateLimited(String),
    /// It is of another chain.
    #[error("is of chain {have}, not {need}")]
    OtherChain {
        /// Its chain.
        have: u64,
        /// Ours.
        need: u64,
    },
    /// It is behind what it said before, or behind the others.
    #[error("is behind: at block {have}, others at {need}")]
    Lags {
        /// Its head.
        have: u64,
        /// Where the chain is.
        need: u64,
    },
    /// What it says cannot be.
    #[error("lies: {0}")]
    Lies(String),
    /// The chain changed while it was read: no fault, read again.
    #[error("the chain changed while it was read")]
    Moved,
}

impl Fault {
    pub(super) fn lie(what: impl Into<String>) -> Self {
        Self::Lies(what.into())
    }
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    url: String,
    provider: DynProvider,
    failures: u32,
    rests_until: Option<Instant>,
    last_fault: Option<Fault>,
    checked: bool,
}

/// All of a chain's.
#[derive(Clone, Debug)]
pub struct Endpoints {
    chain_id: u64,
    all: Vec<Endpoint>,
}

impl Endpoints {
    /// Endpoints in order of preference; at least one.
    pub fn new(chain_id: u64, urls: &[String]) -> Result<Self, EvmError> {
        if urls.is_empty() {
            return Err(EvmError::BadEndpoint(String::new()));
        }
        let one = |url: &String| {
            let provider = connect(url)?;
            let url = url.clone();
            Ok(Endpoint { url, provider, failures: 0, rests_until: None, last_fault: None, checked: false })
        };
        Ok(Self { chain_id, all: urls.iter().map(one).collect::<Result<_, _>>()? })
    }

    /// Which chain.
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// How many, resting ones too.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Places of those that do not rest, in order of preference.
    pub(super) fn awake(&self) -> Vec<usize> {
        let now = Instant::now();
        let awake = |endpoint: &Endpoint| endpoint.rests_until.is_none_or(|until| until <= now);
        (0..self.all.len()).filter(|place| awake(&self.all[*place])).collect()
    }

    /// For transactions: every endpoint gets them.
    pub(super) fn providers(&self) -> impl Iterator<Item = &DynProvider> {
        self.all.iter().map(|endpoint| &endpoint.provider)
    }

    /// One for reading; the best that does not rest, else the best.
    pub(super) fn best(&self) -> &DynProvider {
        let place = self.awake().first().copied().unwrap_or(0);
        &self.all[place].provider
    }

    pub(super) fn get(&self, place: usize) -> &Endpoint {
        &self.all[place]
    }

    pub(super) fn succeeded(&mut self, place: usize) {
        let endpoint = &mut self.all[place];
        (endpoint.failures, endpoint.rests_until) = (0, None);
        endpoint.checked = true;
    }

    pub(super) fn failed(&mut self, place: usize, fault: Fault) {
        let endpoint = &mut self.all[place];
        let rest = match fault {
            Fault::Moved => Duration::ZERO,
            Fault::Lies(_) | Fault::OtherChain { .. } => REST_LIAR,
            Fault::Silent(_) | Fault::RateLimited(_) | Fault::Lags { .. } => {
                endpoint.failures += 1;
                REST.saturating_mul(1 << (endpoint.failures - 1).min(10)).min(REST_MOST)
            }
        };
        endpoint.rests_until = Some(Instant::now() + rest);
        endpoint.last_fault = Some(fault);
    }

    /// What each endpoint did last that was wrong, for people.
    pub fn faults(&self) -> impl Iterator<Item = (&str, &Fault)> {
        self.all.iter().filter_map(|endpoint| Some((endpoint.url.as_str(), endpoint.last_fault.as_ref()?)))
    }
}

impl Endpoint {
    pub(super) fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// Once: whether it is of our chain.
    pub(super) async fn check_chain(&self, need: u64) -> Result<(), Fault> {
        if self.checked {
            return Ok(());
        }
        let have = answer(self.provider.get_chain_id().into_future()).await?;
        if have == need { Ok(()) } else { Err(Fault::OtherChain { have, need }) }
    }

    /// A block, or none.
    pub(super) async fn block(&self, id: BlockId) -> Result<Option<Block>, Fault> {
        answer(self.provider.get_block(id).into_future()).await
    }

    pub(super) async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, Fault> {
        answer(self.provider.get_logs(filter)).await
    }

    pub(super) async fn receipts(&self, block: B256) -> Result<Option<Vec<TransactionReceipt>>, Fault> {
        answer(self.provider.get_block_receipts(BlockId::hash(block)).into_future()).await
    }
}

/// What an endpoint answers in time.
pub(super) async fn answer<T, E: std::fmt::Display>(
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(ANSWER, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            let text = error.to_string();
            // By number where the transport gives one, by the usual words where it does not.
            let limited = ["429", "-32005", "rate limit", "too many requests"];
            let lower = text.to_lowercase();
            let limited = limited.iter().any(|words| lower.contains(words));
            Err(if limited { Fault::RateLimited(text) } else { Fault::Silent(text) })
        }
        Err(_) => Err(Fault::Silent(format!("no answer within {} s", ANSWER.as_secs()))),
    }
}
