//! The crash test: a short campaign of the faults that really happen, as `make faults` runs it.

use marabet_faults::Campaign;
use marabet_faults::schedule::Stage;

/// Kills of stage processes. What else happens comes with them in proportion.
const KILLS: u32 = 50;

/// `SEED=7 cargo test -p marabet crash` runs another schedule; a seed reproduces its own.
fn seed() -> u64 {
    std::env::var("SEED").map_or(1, |text| text.parse().unwrap())
}

#[test]
fn whatever_dies_nothing_is_lost_and_nothing_comes_twice() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let campaign = Campaign {
        program: env!("CARGO_BIN_EXE_marabet").into(),
        seed: seed(),
        kills: KILLS,
        say: |line| eprintln!("{line}"),
    };
    let report = runtime.block_on(campaign.run()).unwrap();
    eprintln!("{report}");

    assert!(report.is_clean(), "{report}");
    let times = |fault: &str| report.faults.get(fault).copied().unwrap_or(0);
    assert_eq!(report.kills(), KILLS);
    for stage in Stage::ALL {
        assert!(times(&format!("SIGKILL {}", stage.name())) >= KILLS / 5, "{report}");
    }
    let torn = times("SIGKILL Redis, AOF torn");
    assert!(torn >= 2 && torn + times("SIGKILL Redis") >= 5, "{report}");
    assert!(report.bytes_torn > 0, "{report}");
    // A filled disk needs the right to mount one: that it was left out is said, not hidden.
    for (fault, why) in &report.skipped {
        assert_eq!(fault, "disk full", "{why}");
    }
    for stream in ["feed", "priced", "bets", "grants", "alerts"] {
        assert!(report.streams[stream].expected > 100, "{report}");
    }
}
