//! How much: one joint Kelly over the scores of the match, the bets that stand kept as they are,
//! or the same stake on every bet.
//!
//! [`stakes`] and [`is_full`] decide; whoever sweeps over strategies calls them too.

use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::staking::{HeldBet, JointBet, kelly_joint_beside};
use marabet_schemas::bets::RefusalReason;
use marabet_schemas::strategy::Strategy;

use crate::offer::{Offer, Wanted};
use crate::refusal::Refusal;
use crate::state::rows::BetRecord;
use crate::value::{Look, Memo, Verdict};

/// Least share of the bankroll that is worth a bet: one of 10,000.
pub const STAKE_MIN: f64 = 1e-4;

/// Most bets of one strategy on one match.
pub const BETS_MAX: usize = 48;

/// Most bets that top another up.
const TOP_UPS_MAX: u16 = 4;

/// Least stake of a top-up, as a share of the stake of the bet that it adds to.
const TOP_UP_SHARE: f64 = 0.1;

/// Whether nothing more can be staked on a match by a strategy that made so many bets on it, void
/// ones among them, and has these stakes standing: its cap is reached, or its number of bets.
#[must_use]
pub fn is_full(made: usize, standing: impl Iterator<Item = f64>, rules: &Strategy) -> bool {
    made >= BETS_MAX || rules.match_max.get() - standing.sum::<f64>() < STAKE_MIN
}

/// The stakes on wanted bets of a match beside those held, as shares of the bankroll: those that
/// grow it fastest, or the strategy's flat stake as far as the match's cap goes. None where no
/// matrix has the fair price.
#[must_use]
pub fn stakes<'m>(
    rules: &Strategy,
    matrix: impl FnOnce() -> Option<&'m ScoreMatrix>,
    held: &[HeldBet],
    wanted: &[JointBet],
) -> Option<Vec<f64>> {
    let cap = rules.match_max.get();
    let Some(flat) = rules.flat_stake else {
        return kelly_joint_beside(matrix()?, held, wanted, rules.kelly_fraction, cap).ok();
    };
    let mut left = cap - held.iter().map(|held| held.stake).sum::<f64>();
    let stake = |_: &JointBet| {
        let stake = flat.get().min(left.max(0.0));
        left -= stake;
        stake
    };
    Some(wanted.iter().map(stake).collect())
}

/// Gives each wanted bet its stake, or the reason why it gets none.
pub(crate) fn stake(look: &mut Look<'_>, wanted: Vec<Wanted>, verdicts: &mut Vec<Verdict>) {
    let bets = look.bets();
    let room = BETS_MAX.saturating_sub(bets.len());
    let held: Vec<HeldBet> = bets.iter().filter(|bet| !bet.is_void()).map(held).collect();
    let first_stake = |wanted: &Wanted| {
        let same = bets.iter().find(|bet| {
            bet.payoff == wanted.payoff && bet.occurrence == wanted.occurrence && bet.top_up == 0
        });
        same.map_or(0.0, |bet| bet.stake.get())
    };
    let least: Vec<f64> =
        wanted.iter().map(|w| STAKE_MIN.max(TOP_UP_SHARE * first_stake(w))).collect();
    let stakes = asked(look, &held, &wanted).unwrap_or_else(|| vec![0.0; wanted.len()]);
    for (place, ((wanted, stake), least)) in wanted.into_iter().zip(stakes).zip(least).enumerate() {
        let is_top_up = wanted.top_up > 0;
        let fits = place < room && (!is_top_up || wanted.top_up <= TOP_UPS_MAX);
        if fits && stake >= least {
            let Wanted { payoff, occurrence, top_up, offers } = wanted;
            verdicts.push(Verdict::Bet { payoff, occurrence, top_up, offers, stake });
        } else if !is_top_up {
            verdicts.push(Verdict::Refuse(no_stake(&wanted.offers[0])));
        }
    }
}

/// What the wanted bets ask for, given what stands.
fn asked(look: &mut Look<'_>, held: &[HeldBet], wanted: &[Wanted]) -> Option<Vec<f64>> {
    let best = &wanted[0].offers[0];
    let bets: Vec<JointBet> = wanted.iter().map(|wanted| joint(&wanted.offers[0])).collect();
    let Memo { devigged, scores } = &mut *look.memo;
    let (board, plan, view) = (&look.board, look.plan, &look.view);
    let book = Some(best.price.book);
    stakes(
        &plan.rules,
        move || scores.behind(board, plan, view, &best.fair, book, devigged),
        held,
        &bets,
    )
}

fn joint(offer: &Offer) -> JointBet {
    JointBet { market: offer.market, selection: offer.selection(), net_odds: offer.net_odds }
}

fn held(bet: &BetRecord) -> HeldBet {
    let (market, selection, net_odds) = (bet.market, bet.selection, bet.net_odds);
    HeldBet { bet: JointBet { market, selection, net_odds }, stake: bet.stake.get() }
}

fn no_stake(offer: &Offer) -> Refusal {
    let (book, reason) = (Some(offer.price.book), RefusalReason::NoStake);
    let refusal = Refusal::of_price(offer.market, book, offer.selection(), reason);
    Refusal { ev: Some(offer.ev), ..refusal }
}
