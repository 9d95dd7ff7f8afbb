//! One bet, from the alert to its settlement.

use marabet_schemas::bets::{Grant, Settlement, ValueBet};
use marabet_schemas::{Address, Instant, MatchKey};

use super::matches::PricedAt;

/// Most revisions of a settlement whose places are kept; the first go first.
const SETTLEMENTS_MAX: usize = 16;

/// What is known of a bet.
#[derive(Debug, Clone)]
pub struct Bet {
    /// The match.
    pub key: MatchKey,
    /// When it was decided, in event time.
    pub decided_at: Instant,
    /// Where its alert stands in the log; none while only the grant was read.
    pub address: Option<Address>,
    /// The alert: the price of record.
    pub alert: ValueBet,
    /// The quote that it is about; none where the board no longer had it when the alert came.
    pub quote: Option<PricedAt>,
    /// The latest revision of what is shown, where it differs from the alert.
    pub latest: Option<ValueBet>,
    /// What the portfolio decided.
    pub grant: Option<Grant>,
    /// Where that stands.
    pub grant_at: Option<Address>,
    /// When it was settled, and how; the last revision.
    pub settlement: Option<(Instant, Settlement)>,
    /// Where its settlements stand, every revision.
    pub settlements_at: Vec<Address>,
}

impl Bet {
    pub(super) fn found(
        key: &MatchKey,
        decided_at: Instant,
        address: Option<Address>,
        alert: &ValueBet,
    ) -> Self {
        Self {
            key: key.clone(),
            decided_at,
            address,
            alert: alert.clone(),
            quote: None,
            latest: None,
            grant: None,
            grant_at: None,
            settlement: None,
            settlements_at: Vec::new(),
        }
    }

    /// What is shown of it has changed.
    pub(super) fn shown(&mut self, bet: &ValueBet) {
        if bet.revision >= self.latest.as_ref().map_or(0, |latest| latest.revision)
            && bet.revision > 0
        {
            self.latest = Some(bet.clone());
        }
    }

    pub(super) fn granted(&mut self, address: Address, grant: &Grant) {
        // A bet is granted once; later revisions change what is shown alone.
        if self.grant.is_none() {
            self.grant = Some(grant.clone());
            self.grant_at = Some(address);
        }
    }

    pub(super) fn settled(&mut self, at: Instant, address: Address, settlement: &Settlement) {
        if self.settlements_at.len() == SETTLEMENTS_MAX {
            self.settlements_at.remove(0);
        }
        self.settlements_at.push(address);
        let known = self.settlement.as_ref().map_or(0, |(_, known)| known.revision);
        if settlement.revision >= known {
            self.settlement = Some((at, settlement.clone()));
        }
    }
}
