//! The stage itself.

use marabet_schemas::bets::{BetPlaced, Deposit, Grant, Settlement, ValueBet};
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::{ArtefactHash, BetId, Body, Event, Instant, MatchKey, Money, StrategyName};
use marabet_stage::{Artefacts, Derived, Fault, Rows, Stage, Table, Within};

use crate::account::AccountRow;
use crate::caps::{Allowed, allowed};
use crate::state::{BetRow, InForce, RulesRow, Settled, deposit_identity};
use crate::view::{self, AccountView};

/// `bets` of all partitions → `grants`, in the order of arrival.
///
/// **Bankroll.** A strategy starts with `account.bankroll` of the first rules that name it. To
/// this come deposits and what its settled bets brought; open stakes are part of it. A correction
/// replaces what the settlement before it brought.
///
/// **Grants.** A new bet is answered once, with its share of the bankroll as far as the
/// [caps](crate::caps) of the rules in force leave it; a stake of nothing is an answer too. A
/// later revision of the bet is answered with the same stake, so that whoever shows the bet can
/// show it as it is now.
///
/// **Limits on losses.** What a strategy may lose on a day and in seven days bounds each stake,
/// and once it is lost nothing is staked until the next day, or for the days of the cool-off.
///
/// **The user's word.** `bet.placed` replaces stake and price by those that the user got,
/// `bet.skipped` takes the stake back, `bet.void` returns it whatever the match brings. The last
/// word counts. Without a word the granted stake at the price of record is taken as placed.
///
/// **The end.** `match.closed` forgets the match's bets; what is still open then (a bet that went
/// to review) counts as returned.
pub struct Portfolio {
    rules: Table<InForce, RulesRow>,
    accounts: Table<StrategyName, AccountRow>,
    bets: Table<Within<BetId>, BetRow>,
    deposits: Table<ArtefactHash, Deposit>,
}

impl Default for Portfolio {
    fn default() -> Self {
        Self::new()
    }
}

impl Portfolio {
    /// The stage's name.
    pub const NAME: &'static str = "portfolio";

    /// The stage with nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rules: Table::new("rules"),
            accounts: Table::new("accounts"),
            bets: Table::new("bets"),
            deposits: Table::new("deposits"),
        }
    }

    /// Where the money of each strategy stands, by name.
    pub fn accounts(&self) -> impl Iterator<Item = (StrategyName, AccountView)> {
        self.accounts.iter().map(|(strategy, row)| (strategy, row.into()))
    }

    /// The account of a strategy that rules in force have named.
    #[must_use]
    pub fn account_of(&self, strategy: &StrategyName) -> Option<AccountView> {
        self.accounts.get(strategy).map(Into::into)
    }

    fn config(&mut self, published: &ConfigPublished, derived: &mut Derived) {
        let known = self.rules.get(&InForce).map(|rules| rules.number);
        if known.is_some_and(|number| published.number <= number) {
            return;
        }
        let row = RulesRow::new(published.number, &published.rules);
        let start = row.account.bankroll;
        self.rules.insert(InForce, row);
        for strategy in published.rules.strategies.keys() {
            if self.accounts.get(strategy).is_none() {
                self.accounts.insert(strategy.clone(), AccountRow::new(start));
            }
            self.show(strategy, derived);
        }
    }

    fn deposit(
        &mut self,
        event: &Event,
        deposit: &Deposit,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let identity = deposit_identity(event.at, deposit);
        if self.deposits.get(&identity).is_some() {
            return Ok(());
        }
        self.account(&deposit.strategy)?.deposits += deposit.amount;
        self.deposits.insert(identity, deposit.clone());
        self.show(&deposit.strategy, derived);
        Ok(())
    }

    fn value_bet(
        &mut self,
        event: &Event,
        key: &MatchKey,
        bet: &ValueBet,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let rules = self.rules.get(&InForce).ok_or_else(|| {
            Fault::rejected(format!("bet {}: no rules are in force; publish them first", bet.bet))
        })?;
        let currency = rules.account.currency.clone();
        let place = Within::new(key, bet.bet);
        if let Some(known) = self.bets.get(&place) {
            if bet.revision > known.revision {
                derived.push(grant(event, bet, known, currency));
                self.bets.get_mut(&place).expect("it was just found").revision = bet.revision;
            }
            return Ok(());
        }
        if bet.revision > 0 {
            return Err(Fault::rejected(format!(
                "revision {} of bet {}, whose first announcement never came",
                bet.revision, bet.bet
            )));
        }
        let account = self.accounts.get(&bet.strategy).ok_or_else(|| no_account(&bet.strategy))?;
        let bankroll = account.bankroll();
        let standing = account.standing(event.at);
        let Allowed { asked, stake, capped_by } =
            allowed(bet.stake, &standing, &rules.account, &rules.book(&bet.book));
        let row = BetRow {
            strategy: bet.strategy.clone(),
            at: event.at,
            asked,
            granted: stake,
            bankroll,
            capped_by,
            revision: 0,
            stake,
            placed_net_odds: None,
            void: false,
            settled: None,
            open: stake,
            profit: Money::ZERO,
        };
        derived.push(grant(event, bet, &row, currency));
        self.bets.insert(place, row);
        self.account(&bet.strategy)?.grant(event.at, stake);
        self.show(&bet.strategy, derived);
        Ok(())
    }

    fn settle(
        &mut self,
        now: Instant,
        key: &MatchKey,
        settlement: &Settlement,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let Settlement { bet, revision, outcome, profit, .. } = *settlement;
        self.change(now, key, bet, derived, |row| {
            if row.settled.is_none_or(|known| revision > known.revision) {
                row.settled = Some(Settled { revision, outcome, unit_profit: profit });
            }
        })
    }

    fn placed(
        &mut self,
        now: Instant,
        key: &MatchKey,
        placed: &BetPlaced,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let commission = self.rules.get(&InForce).map(|rules| rules.book(&placed.book).commission);
        let net_odds = placed.odds.net_of_commission(commission.unwrap_or_default());
        self.change(now, key, placed.bet, derived, |row| {
            row.stake = placed.stake;
            row.placed_net_odds = Some(net_odds);
        })
    }

    /// Changes what is known of a bet, and books what follows for its strategy's money.
    fn change(
        &mut self,
        now: Instant,
        key: &MatchKey,
        bet: BetId,
        derived: &mut Derived,
        change: impl FnOnce(&mut BetRow),
    ) -> Result<(), Fault> {
        let place = Within::new(key, bet);
        let row = self.bets.get_mut(&place).ok_or_else(|| {
            Fault::rejected(format!(
                "bet {bet} of {key} is not known: it never came, or its match was closed"
            ))
        })?;
        let before = row.clone();
        change(row);
        let (open, profit) = row.worth();
        (row.open, row.profit) = (open, profit);
        let (strategy, at, stake) = (before.strategy, row.at, row.stake);
        let rules = self.rules.get(&InForce).map(|rules| rules.account.clone());
        let account = self.account(&strategy)?;
        let (released, won) = (before.open - open, profit - before.profit);
        account.settle(now, released, won, &rules.unwrap_or_default());
        account.restake(at, before.stake, stake);
        self.show(&strategy, derived);
        Ok(())
    }

    fn close(&mut self, key: &MatchKey, derived: &mut Derived) -> Result<(), Fault> {
        let of_bet = |(_, row): (_, &BetRow)| (row.strategy.clone(), row.open);
        let bets: Vec<_> = self.bets.rows_of(key).map(of_bet).collect();
        self.bets.remove_of(key);
        for (strategy, open) in bets {
            self.account(&strategy)?.release(open);
            self.show(&strategy, derived);
        }
        Ok(())
    }

    fn account(&mut self, strategy: &StrategyName) -> Result<&mut AccountRow, Fault> {
        self.accounts.get_mut(strategy).ok_or_else(|| no_account(strategy))
    }

    fn show(&self, strategy: &StrategyName, derived: &mut Derived) {
        if let Some(account) = self.accounts.get(strategy) {
            derived.show(|| view::of_account(strategy, account));
        }
    }
}

fn no_account(strategy: &StrategyName) -> Fault {
    Fault::rejected(format!("no rules in force have named a strategy `{strategy}`"))
}

/// The answer to a bet, under the bet's own key and instant.
fn grant(event: &Event, bet: &ValueBet, row: &BetRow, currency: String) -> Event {
    let grant = Grant {
        value_bet: bet.clone(),
        stake: row.granted,
        currency,
        bankroll: row.bankroll,
        asked: row.asked,
        capped_by: row.capped_by.clone(),
    };
    Event { key: event.key.clone(), at: event.at, assumed: event.assumed, body: grant.into() }
}

impl Stage for Portfolio {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn apply(
        &mut self,
        event: &Event,
        _: &dyn Artefacts,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let key = || {
            event.key.as_ref().ok_or_else(|| {
                Fault::rejected(format!("a {} must name its match", event.kind().name()))
            })
        };
        match &event.body {
            Body::ConfigPublished(published) => self.config(published, derived),
            Body::Deposit(deposit) => self.deposit(event, deposit, derived)?,
            Body::ValueBet(bet) => self.value_bet(event, key()?, bet, derived)?,
            Body::Settlement(settlement) => self.settle(event.at, key()?, settlement, derived)?,
            Body::BetPlaced(placed) => self.placed(event.at, key()?, placed, derived)?,
            Body::BetSkipped(skipped) => {
                self.change(event.at, key()?, skipped.bet, derived, |row| row.stake = Money::ZERO)?;
            }
            Body::BetVoid(void) => {
                self.change(event.at, key()?, void.bet, derived, |row| row.void = true)?;
            }
            Body::MatchClosed(_) => self.close(key()?, derived)?,
            // What else is forwarded moves no money.
            _ => {}
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Rows> {
        vec![&mut self.rules, &mut self.accounts, &mut self.bets, &mut self.deposits]
    }
}
