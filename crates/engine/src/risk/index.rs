//! The risk index (R17).

/// Which accounts a price or the clock makes worth a look.
#[derive(Clone, Debug, Default)]
pub struct RiskIndex {}
