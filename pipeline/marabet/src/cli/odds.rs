//! `marabet odds …`: what can be typed after it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use marabet_quant::devig::Method;

/// `marabet odds …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum OddsCommand {
    /// Take the margin out of a market's odds
    Devig {
        /// multiplicative, additive, power, shin, odds_ratio, logarithmic, differential_margin, goto,
        /// balanced_books, jensen_shannon
        #[arg(long, default_value_t = Method::Power)]
        method: Method,
        /// What the probabilities add up to: 1, or n where n selections win
        #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
        target: f64,
        /// Decimal odds of all selections
        #[arg(required = true, value_delimiter = ',', allow_negative_numbers = true)]
        odds: Vec<f64>,
    },
    /// Put a margin on fair probabilities: the inverse of `devig`
    Price {
        /// How the margin is spread, as `devig` names it
        #[arg(long, default_value_t = Method::Power)]
        method: Method,
        /// The margin: 0.05 for 5 %, below zero for an exchange's best prices
        #[arg(long, allow_negative_numbers = true)]
        margin: f64,
        /// Fair probabilities of all selections
        #[arg(required = true, value_delimiter = ',', allow_negative_numbers = true)]
        p: Vec<f64>,
    },
    /// Whether a price is value: against probabilities, or a reference book's odds
    Value {
        /// Decimal odds offered
        #[arg(long, num_args = 1.., required = true, value_delimiter = ',', allow_negative_numbers = true)]
        odds: Vec<f64>,
        /// Fair probabilities of the same selections
        #[arg(long, num_args = 1.., conflicts_with = "reference", value_delimiter = ',', allow_negative_numbers = true)]
        p: Vec<f64>,
        /// The reference book's odds of all selections of the market
        #[arg(long, num_args = 1.., required_unless_present = "p", value_delimiter = ',', allow_negative_numbers = true)]
        reference: Vec<f64>,
        /// How the reference's margin is taken out
        #[arg(long, default_value_t = Method::Power)]
        method: Method,
        /// Commission on net winnings: 0.02 for 2 %
        #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
        commission: f64,
    },
    /// Kelly stakes, as shares of the bankroll
    Kelly(KellyArgs),
    /// Kelly stakes on bets of several matches, with correlation inside a match and caps on a
    /// match, a day and the whole
    Slate(SlateArgs),
    /// Stakes that ask for no probability
    #[command(subcommand)]
    Stake(StakeCommand),
    /// Stakes that win whatever happens, from the best odds of each selection over the books
    Arbitrage {
        /// Decimal odds of all selections at one book
        #[arg(
            required_unless_present = "book",
            value_delimiter = ',',
            allow_negative_numbers = true
        )]
        odds: Vec<f64>,
        /// A book's odds of all selections, its commission behind a colon; once for each book
        #[arg(long, value_name = "ODDS,…[:COMMISSION]", allow_negative_numbers = true)]
        book: Vec<String>,
        /// Commission on net winnings of the odds given without a book
        #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
        commission: f64,
    },
    /// Stakes at today's odds that secure what bets already placed can win
    Hedge {
        /// What is staked already on each selection; 0 where nothing is
        #[arg(long, num_args = 1.., required = true, value_delimiter = ',', allow_negative_numbers = true)]
        stakes: Vec<f64>,
        /// At which decimal odds, net of commission
        #[arg(long, num_args = 1.., required = true, value_delimiter = ',', allow_negative_numbers = true)]
        placed: Vec<f64>,
        /// Today's decimal odds of each selection
        #[arg(long, num_args = 1.., required = true, value_delimiter = ',', allow_negative_numbers = true)]
        odds: Vec<f64>,
        /// Commission on net winnings at today's odds
        #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
        commission: f64,
    },
    /// The stake to lay on an exchange against a bet, so that both ways leave the same
    Lay {
        /// What was staked
        #[arg(long, allow_negative_numbers = true)]
        stake: f64,
        /// At which decimal odds, net of commission
        #[arg(long, allow_negative_numbers = true)]
        odds: f64,
        /// The exchange's decimal odds
        #[arg(long, allow_negative_numbers = true)]
        lay_odds: f64,
        /// The exchange's commission on net winnings
        #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
        commission: f64,
    },
    /// One opinion out of several books' odds
    Consensus {
        /// A book's decimal odds of all selections; once for each book
        #[arg(long, required = true, value_name = "ODDS,…", allow_negative_numbers = true)]
        book: Vec<String>,
        /// How each book's margin is taken out
        #[arg(long, default_value_t = Method::Power)]
        method: Method,
        /// How opinions are put together
        #[arg(long, value_enum, default_value_t = ConsensusRule::Median)]
        rule: ConsensusRule,
        /// Share of books left out at either end of a trimmed mean
        #[arg(long, default_value_t = 0.2, allow_negative_numbers = true)]
        trim: f64,
        /// Weights of the books in a weighted mean
        #[arg(long, num_args = 1.., value_delimiter = ',', allow_negative_numbers = true)]
        weights: Vec<f64>,
    },
    /// The logarithmic pool of a model's probabilities and the market's
    Blend {
        /// The model's probabilities
        #[arg(long, num_args = 1.., required = true, value_delimiter = ',', allow_negative_numbers = true)]
        model: Vec<f64>,
        /// The market's fair probabilities
        #[arg(long, num_args = 1.., required = true, value_delimiter = ',', allow_negative_numbers = true)]
        market: Vec<f64>,
        /// The model's weight, from 0 to 1
        #[arg(long, default_value_t = 0.5, allow_negative_numbers = true)]
        weight: f64,
    },
    /// Closing-line value of a bet, re-priced where the line moved
    Clv(ClvArgs),
}

/// `marabet odds kelly`
#[derive(Debug, Clone, Args)]
pub(crate) struct KellyArgs {
    /// Decimal odds
    #[arg(long, num_args = 1.., required = true, value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) odds: Vec<f64>,
    /// Probabilities of winning
    #[arg(
        long, num_args = 1.., required_unless_present = "outcomes", conflicts_with = "outcomes",
        value_delimiter = ',', allow_negative_numbers = true
    )]
    pub(crate) p: Vec<f64>,
    /// Probabilities of win, half-win, push, half-loss and loss of each bet, instead of `--p`
    #[arg(long, num_args = 1.., conflicts_with = "exclusive", value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) outcomes: Vec<f64>,
    /// Share of the full Kelly stake
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) fraction: f64,
    /// The selections exclude each other: outcomes of one market
    #[arg(long)]
    pub(crate) exclusive: bool,
    /// The most of the bankroll that all bets together may take
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) cap: f64,
    /// Commission on net winnings
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) commission: f64,
    /// Bankroll: then the stakes are told in money too
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) bankroll: Option<f64>,
}

/// `marabet odds slate`
#[derive(Debug, Clone, Args)]
pub(crate) struct SlateArgs {
    /// CSV with columns day, match, lambda, mu, rho, bet and odds: a bet a row, such as
    /// `2024-08-16,A v B,1.6,1.1,-0.05,ah@-0.25:home,1.95`
    #[arg(required = true)]
    pub(crate) file: PathBuf,
    /// Share of the full Kelly stake
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) fraction: f64,
    /// The most of the bankroll on one match
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) match_cap: f64,
    /// The most of the bankroll on the matches of one day
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) day_cap: f64,
    /// The most of the bankroll on all bets
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) cap: f64,
    /// Commission on net winnings
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) commission: f64,
}

/// `marabet odds stake …`
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum StakeCommand {
    /// The same amount on every bet, as far as the bankroll holds it
    Flat {
        /// The amount
        #[arg(long, allow_negative_numbers = true)]
        amount: f64,
        /// The bankroll
        #[arg(long, allow_negative_numbers = true)]
        bankroll: f64,
    },
    /// The same share of the bankroll on every bet
    Proportional {
        /// The share: 0.02 for 2 %
        #[arg(long, allow_negative_numbers = true)]
        fraction: f64,
        /// The bankroll
        #[arg(long, allow_negative_numbers = true)]
        bankroll: f64,
    },
    /// What wins a wanted profit at these odds
    Target {
        /// The profit wanted
        #[arg(long, allow_negative_numbers = true)]
        profit: f64,
        /// Decimal odds
        #[arg(long, allow_negative_numbers = true)]
        odds: f64,
        /// Commission on net winnings
        #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
        commission: f64,
    },
}

/// How the opinions of books are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConsensusRule {
    /// The mean of each outcome
    Mean,
    /// The middle of each outcome
    Median,
    /// The mean without the books at either end
    Trimmed,
    /// The geometric mean
    Geometric,
    /// The mean by `--weights`
    Weighted,
}

/// `marabet odds clv`
#[derive(Debug, Clone, Args)]
pub(crate) struct ClvArgs {
    /// Decimal odds at which the bet was placed
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) odds: f64,
    /// The bet, market and selection, such as `1x2:home` or `ah@-0.25:home`
    #[arg(long, value_name = "MARKET:SELECTION")]
    pub(crate) bet: String,
    /// The market whose closing odds are given, such as `ah@-0.5`; the bet's own where left out
    #[arg(long, value_name = "MARKET")]
    pub(crate) market: Option<marabet_quant::Market>,
    /// Closing decimal odds of all selections of the market
    #[arg(long, num_args = 1.., required = true, value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) closing: Vec<f64>,
    /// How the closing margin is taken out
    #[arg(long, default_value_t = Method::Power)]
    pub(crate) method: Method,
    /// Expected goals of home and away side, from which the bet is re-priced where the line moved
    #[arg(long, num_args = 2, value_names = ["LAMBDA", "MU"], value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) means: Vec<f64>,
    /// Dependence of low scores, of the re-pricing
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) rho: f64,
    /// Commission on net winnings of the bet
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) commission: f64,
}
