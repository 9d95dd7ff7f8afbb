//! `marabet model …`: what can be typed after it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use marabet_quant::devig::Method;
use marabet_quant::goals::Model;

/// `marabet model …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ModelCommand {
    /// Fit a goal model to results
    Fit(FitArgs),
    /// Price every market, from the expected goals or from a fitted model
    Price(PriceArgs),
    /// Expected goals that a market's probabilities, or its odds, imply
    Implied(ImpliedArgs),
    /// Win probabilities and every market of a match under way
    InPlay(InPlayArgs),
    /// Rate teams by their results: Elo, pi-ratings, Glicko-2
    Rate(RateArgs),
    /// Learn what forecasts mean from what came out, and correct probabilities by it
    Calibrate(CalibrateArgs),
    /// Learn how much each of two forecasters counts in a logarithmic pool
    Pool {
        /// Forecasts with outcomes, as `score` reads them
        #[arg(long, value_name = "FILE")]
        forecasts: PathBuf,
        /// Another forecaster's forecasts of the same events
        #[arg(long, value_name = "FILE")]
        with: PathBuf,
        /// Weights that add up to one, instead of free exponents that recalibrate too
        #[arg(long)]
        weights: bool,
    },
    /// Walk forward through real seasons: each model beside the closing odds of the sharpest book
    Evaluate(EvaluateArgs),
}

/// `marabet model fit`
#[derive(Debug, Clone, Args)]
pub(crate) struct FitArgs {
    /// poisson, dixon-coles, bivariate-poisson, negative-binomial, zero-inflated-poisson,
    /// hurdle-poisson, conway-maxwell-poisson or weibull-copula
    #[arg(long, default_value_t = Model::DixonColes)]
    pub(crate) model: Model,
    /// Decay of a match's weight with its age, per day
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) xi: f64,
    /// The day from which ages are counted, such as 2024-05-19; that of the last match where left
    /// out
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<String>,
    /// Only matches on this day or later count
    #[arg(long, value_name = "DATE")]
    pub(crate) since: Option<String>,
    /// Only matches before this day count
    #[arg(long, value_name = "DATE")]
    pub(crate) before: Option<String>,
    /// Pull teams with little history towards the league's middle
    #[arg(long)]
    pub(crate) prior: bool,
    /// How far teams are expected to lie apart, in log-goals, where there is a prior
    #[arg(long, default_value_t = 0.3, requires = "prior", allow_negative_numbers = true)]
    pub(crate) spread: f64,
    /// Rue and Salvesen's adjustment of the model's forecasts; they found 0.1
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) rue_salvesen: f64,
    /// A covariate: its columns in plain CSV files are `home_NAME` and `away_NAME`
    #[arg(long, value_name = "NAME")]
    pub(crate) covariate: Vec<String>,
    /// Newton steps before the fit gives up and says so
    #[arg(long, default_value_t = 100)]
    pub(crate) iterations: u32,
    /// football-data.co.uk CSV, openfootball JSON, or plain CSV of date, home, away,
    /// `home_goals`, `away_goals` and, where wanted, neutral, weight, exposure and covariates;
    /// each `.gz` too
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// `marabet model price`
#[derive(Debug, Clone, Args)]
pub(crate) struct PriceArgs {
    /// Expected goals of the home side
    #[arg(long, required_unless_present = "fit", allow_negative_numbers = true)]
    pub(crate) lambda: Option<f64>,
    /// Expected goals of the away side
    #[arg(long, required_unless_present = "fit", allow_negative_numbers = true)]
    pub(crate) mu: Option<f64>,
    /// Dependence of low scores
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) rho: f64,
    /// A model, as `model fit --json` prints it, instead of expected goals
    #[arg(
        long, value_name = "FILE", requires_all = ["home", "away"],
        conflicts_with_all = ["lambda", "mu", "rho"]
    )]
    pub(crate) fit: Option<PathBuf>,
    /// The home side, as the model names it
    #[arg(long, requires = "fit")]
    pub(crate) home: Option<String>,
    /// The away side
    #[arg(long, requires = "fit")]
    pub(crate) away: Option<String>,
    /// On neutral ground
    #[arg(long, requires = "fit")]
    pub(crate) neutral: bool,
    /// Share of goals that fall in the first half
    #[arg(long, default_value_t = 0.445, allow_negative_numbers = true)]
    pub(crate) first_half_share: f64,
}

/// `marabet model implied`
#[derive(Debug, Clone, Args)]
pub(crate) struct ImpliedArgs {
    /// Fair probabilities of home, draw, away
    #[arg(
        long, num_args = 1..=3, required_unless_present_any = ["odds", "handicap"],
        value_delimiter = ',', allow_negative_numbers = true
    )]
    pub(crate) p1x2: Vec<f64>,
    /// Decimal odds of home, draw, away, instead of probabilities
    #[arg(long, num_args = 1..=3, conflicts_with = "p1x2", value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) odds: Vec<f64>,
    /// How the margin of `--odds` is taken out
    #[arg(long, default_value_t = Method::Power)]
    pub(crate) method: Method,
    /// A total's line and the fair probability of over, such as `2.5 0.53`
    #[arg(long, num_args = 2, value_names = ["LINE", "OVER"], value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) total: Vec<f64>,
    /// Instead of 1X2, an Asian handicap's line and the fair probability of the home side on it
    #[arg(
        long, num_args = 2, value_names = ["LINE", "HOME"], requires = "total",
        conflicts_with_all = ["p1x2", "odds"], value_delimiter = ',', allow_negative_numbers = true
    )]
    pub(crate) handicap: Vec<f64>,
    /// Dependence of low scores; 0 where left out, or solved where 1X2 and a total are given
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) rho: Option<f64>,
}

/// `marabet model in-play`
#[derive(Debug, Clone, Args)]
pub(crate) struct InPlayArgs {
    /// Expected goals of the home side before the match
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) lambda: f64,
    /// Expected goals of the away side before the match
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) mu: f64,
    /// Dependence of low scores
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) rho: f64,
    /// Minute of the running clock: to 45 the first half, above it the second
    #[arg(
        long, required_unless_present_any = ["half_time", "over"],
        conflicts_with_all = ["half_time", "over"], allow_negative_numbers = true
    )]
    pub(crate) minute: Option<f64>,
    /// It is half-time
    #[arg(long, conflicts_with = "over")]
    pub(crate) half_time: bool,
    /// The match is over
    #[arg(long)]
    pub(crate) over: bool,
    /// The score so far, such as 1-0
    #[arg(long, default_value = "0-0", value_name = "HOME-AWAY")]
    pub(crate) score: String,
    /// Players sent off so far
    #[arg(long, default_value = "0-0", value_name = "HOME-AWAY")]
    pub(crate) reds: String,
    /// Minutes of the first half, stoppage time included
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) first_half_minutes: Option<f64>,
    /// Minutes of the second half, stoppage time included
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) second_half_minutes: Option<f64>,
    /// Share of goals that fall in the first half
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) first_half_share: Option<f64>,
}

/// A rating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum System {
    /// Elo, with the margin of a win counted where asked for
    Elo,
    /// Pi-ratings: a rating at home and one away, in goals
    Pi,
    /// Glicko-2: a rating and how far it is known
    #[value(alias = "glicko-2", alias = "glicko")]
    Glicko2,
}

/// `marabet model rate`
#[derive(Debug, Clone, Args)]
pub(crate) struct RateArgs {
    /// The system
    #[arg(long, value_enum, default_value_t = System::Elo)]
    pub(crate) system: System,
    /// Elo: the most that one result moves a rating when goals do not count
    #[arg(long, default_value_t = 20.0, allow_negative_numbers = true)]
    pub(crate) k: f64,
    /// Elo and Glicko-2: what playing at home is worth; the system's own where left out
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) home_advantage: Option<f64>,
    /// Elo: the exponent with which one more than the goals between both sides counts; 0 where a
    /// win is a win
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) margin_exponent: f64,
    /// A match to forecast: the home side
    #[arg(long, requires = "away")]
    pub(crate) home: Option<String>,
    /// The away side
    #[arg(long, requires = "home")]
    pub(crate) away: Option<String>,
    /// The match is on neutral ground
    #[arg(long, requires = "home")]
    pub(crate) neutral: bool,
    /// Results, as `fit` reads them
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// A map from forecast to frequency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Map {
    /// Any rising map
    Isotonic,
    /// A line in log-odds
    Platt,
    /// A bent line in log-odds
    Beta,
}

/// `marabet model calibrate`
#[derive(Debug, Clone, Args)]
pub(crate) struct CalibrateArgs {
    /// The kind of map
    #[arg(long, value_enum, default_value_t = Map::Beta)]
    pub(crate) map: Map,
    /// Forecasts with outcomes to learn from, as `score` reads them
    #[arg(long, value_name = "FILE")]
    pub(crate) forecasts: PathBuf,
    /// Probabilities of outcomes that exclude each other, to correct
    #[arg(long, num_args = 1.., value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) p: Vec<f64>,
}

/// `marabet model evaluate`
#[derive(Debug, Clone, Args)]
pub(crate) struct EvaluateArgs {
    /// Folder of football-data.co.uk files, or files; once for each
    #[arg(long, env = "MARABET_DATA", value_name = "PATH", required = true)]
    pub(crate) data: Vec<PathBuf>,
    /// Competitions, by their codes
    #[arg(long, value_delimiter = ',', default_value = "E0,D1,SP1,I1,E1", value_name = "CODE,…")]
    pub(crate) leagues: Vec<String>,
    /// First season that is scored, by the year in which it began
    #[arg(long, default_value_t = 2012)]
    pub(crate) first: i32,
    /// Last season that is scored
    #[arg(long, default_value_t = i32::MAX, hide_default_value = true)]
    pub(crate) last: i32,
    /// Seasons before the first that models learn from
    #[arg(long, default_value_t = 7)]
    pub(crate) before: u16,
    /// Forecasters, by the names in the table; all where left out. Base rates and the closing odds
    /// are always among them
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub(crate) models: Vec<String>,
    /// Days from one refit of a goal model to the next
    #[arg(long, default_value_t = 7.0, allow_negative_numbers = true)]
    pub(crate) every: f64,
    /// How the margin of odds is taken out
    #[arg(long, default_value_t = Method::Multiplicative)]
    pub(crate) method: Method,
    /// The book whose odds are taken
    #[arg(long, default_value = "pinnacle")]
    pub(crate) book: String,
    /// Write a figure (SVG) here
    #[arg(long, value_name = "FILE")]
    pub(crate) figure: Option<PathBuf>,
}
