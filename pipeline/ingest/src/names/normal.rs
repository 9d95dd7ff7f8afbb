//! A side's name without what its spelling leaves to taste: case, accents, legal forms, word
//! order. Women's, reserve and youth sides are kept apart from the first men's side.

use smol_str::SmolStr;

/// Which side of a club a name is of. Two names of different ones are never the same side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Eleven {
    /// The women's.
    pub women: bool,
    /// 0 the first side, 2 and 3 the reserves, 15 to 23 the youth of that age.
    pub grade: u8,
}

/// One word of a name, with how much it tells by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Lower case, without accents, in its English form where it is a place with several.
    pub text: SmolStr,
    /// 1 for a name, little for what many clubs are called.
    pub weight: f64,
}

/// A name, taken apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Normal {
    /// The words, in their order.
    pub words: Vec<Word>,
    /// Which side of the club.
    pub eleven: Eleven,
    /// The country in brackets that tells it from one of the same name, as in `(EGY)`.
    pub country: Option<SmolStr>,
    /// The words that tell something, sorted and joined: equal for names that differ in form and
    /// order alone.
    pub signature: String,
}

/// Legal forms, articles and colours of many clubs: they tell almost nothing.
const FORMS: &[&str] = &[
    "fc",
    "cf",
    "afc",
    "sc",
    "ac",
    "as",
    "cd",
    "ud",
    "sd",
    "rc",
    "rcd",
    "ca",
    "club",
    "clube",
    "sv",
    "vfb",
    "vfl",
    "tsv",
    "bsc",
    "tsg",
    "spvgg",
    "spvg",
    "bk",
    "if",
    "ff",
    "fk",
    "nk",
    "sk",
    "ks",
    "kv",
    "krc",
    "kaa",
    "kvc",
    "rsc",
    "rwd",
    "us",
    "ss",
    "ssc",
    "ssd",
    "usc",
    "acf",
    "bc",
    "calcio",
    "de",
    "da",
    "do",
    "del",
    "della",
    "la",
    "le",
    "les",
    "los",
    "el",
    "the",
    "and",
    "et",
    "i",
    "y",
    "cp",
    "ec",
    "se",
    "cr",
    "cs",
    "csm",
    "acs",
    "afs",
    "gd",
    "sl",
    "ue",
    "ce",
    "ogc",
    "losc",
    "aj",
    "ea",
    "es",
    "sco",
    "estac",
    "hsc",
    "msv",
    "ssv",
    "msk",
    "mks",
    "gks",
    "rks",
    "wks",
    "kp",
    "ts",
    "jk",
    "il",
    "bkm",
    "fbc",
    "futebol",
    "futbol",
    "football",
    "fotball",
    "fotboll",
    "fussball",
    "fodbold",
    "calcistica",
    "royal",
    "royale",
    "koninklijke",
    "deportivo",
    "deportiva",
    "atletica",
    "associazione",
    "societa",
    "unione",
    "saf",
    "sad",
    "spa",
    "gnk",
    "hnk",
    "pfc",
    "pfk",
    "ofk",
    "fcsb",
    "asd",
    "ck",
    "sp",
    "aff",
    "idrottsforening",
    "jalkapalloseura",
    "agf",
    "ii",
    "1",
];

/// Surnames of clubs that several clubs of a town may bear: they tell something.
const SURNAMES: &[&str] = &[
    "united",
    "city",
    "town",
    "rovers",
    "wanderers",
    "county",
    "athletic",
    "albion",
    "rangers",
    "hotspur",
    "real",
    "sporting",
    "atletico",
    "racing",
    "union",
    "olympique",
    "stade",
    "dynamo",
    "borussia",
    "eintracht",
    "fortuna",
    "arminia",
    "hertha",
    "werder",
    "bayer",
    "academica",
    "argyle",
    "stanley",
    "alexandra",
    "orient",
    "dons",
    "villa",
    "wednesday",
    "hove",
    "palace",
    "forest",
    "north",
    "end",
    "thistle",
    "academical",
    "athlitiki",
    "enosi",
    "belediyespor",
    "istanbul",
    "sport",
    "sports",
    "olimpia",
    "independiente",
    "nacional",
    "juniors",
    "central",
];

/// Forms of one word: what is written, and what it stands for.
const EQUAL: &[(&str, &str)] = &[
    ("utd", "united"),
    ("man", "manchester"),
    ("mailand", "milan"),
    ("rom", "roma"),
    ("neapel", "napoli"),
    ("nizza", "nice"),
    ("strassburg", "strasbourg"),
    ("st", "saint"),
    ("ste", "saint"),
    ("sankt", "saint"),
    ("ath", "athletic"),
    ("atl", "atletico"),
    ("atlethic", "athletic"),
    ("dep", "deportivo"),
    ("univ", "universidad"),
    ("u", "universidad"),
    ("inter", "internazionale"),
    ("internacional", "internazionale"),
    ("sociedad", "sociedad"),
    ("munchen", "munich"),
    ("muenchen", "munich"),
    ("koeln", "koln"),
    ("cologne", "koln"),
    ("milano", "milan"),
    ("roma", "roma"),
    ("rome", "roma"),
    ("naples", "napoli"),
    ("seville", "sevilla"),
    ("lisboa", "lisbon"),
    ("brugge", "bruges"),
    ("gent", "ghent"),
    ("kobenhavn", "copenhagen"),
    ("koebenhavn", "copenhagen"),
    ("wien", "vienna"),
    ("praha", "prague"),
    ("beograd", "belgrade"),
    ("warszawa", "warsaw"),
    ("krakow", "cracow"),
    ("moskva", "moscow"),
    ("moskau", "moscow"),
    ("peterburg", "petersburg"),
    ("kyiv", "kiev"),
    ("kiew", "kiev"),
    ("nuernberg", "nurnberg"),
    ("nuremberg", "nurnberg"),
    ("hanover", "hannover"),
    ("duesseldorf", "dusseldorf"),
    ("fuerth", "furth"),
    ("greuther", "greuther"),
    ("zuerich", "zurich"),
    ("geneve", "geneva"),
    ("bern", "bern"),
    ("berne", "bern"),
    ("luzern", "lucerne"),
    ("lyonnais", "lyon"),
    ("bucuresti", "bucharest"),
    ("bucharesti", "bucharest"),
    ("athina", "athens"),
    ("athinai", "athens"),
    ("pireaus", "piraeus"),
    ("saloniki", "thessaloniki"),
    ("goteborg", "gothenburg"),
    ("malmoe", "malmo"),
    ("monchengladbach", "gladbach"),
    ("moenchengladbach", "gladbach"),
    ("mgladbach", "gladbach"),
    ("wolverhampton", "wolves"),
    ("sint", "saint"),
    ("truidense", "truiden"),
    ("seraing", "seraing"),
    ("mechelen", "mechelen"),
    ("malines", "mechelen"),
    ("antwerpen", "antwerp"),
    ("anversa", "antwerp"),
    ("piraikos", "piraeus"),
    ("guimaraes", "guimaraes"),
    ("dinamo", "dynamo"),
    ("dnipro", "dnipro"),
    ("spartak", "spartak"),
    ("zenith", "zenit"),
    ("ols", "ols"),
    ("reserve", "reserves"),
    ("sporting", "sporting"),
    ("hellas", "hellas"),
    ("verona", "verona"),
    ("racing", "racing"),
    ("bielsko", "bielsko"),
];

const WOMEN: &[&str] = &[
    "w",
    "wfc",
    "women",
    "womens",
    "ladies",
    "femenino",
    "feminino",
    "feminine",
    "feminines",
    "femminile",
    "frauen",
    "fem",
    "dames",
    "vrouwen",
    "kvinner",
    "kvinder",
    "damer",
    "dam",
];

/// Takes a name apart.
#[must_use]
pub fn normal(name: &str) -> Normal {
    let mut eleven = Eleven::default();
    let mut words: Vec<Word> = Vec::new();
    let (name, country) = without_country(name);
    let texts = texts(name);
    let count = texts.len();
    let mut passed = false;
    for (at, text) in texts.iter().enumerate() {
        if std::mem::take(&mut passed) {
            continue;
        }
        let last = at + 1 == count && count > 1;
        let next = texts.get(at + 1).map(SmolStr::as_str);
        if count > 1 && WOMEN.contains(&text.as_str()) {
            eleven.women = true;
        } else if let Some(grade) = grade(text, last, at == 0, next, &texts) {
            eleven.grade = grade;
            passed = text == "under";
        } else {
            words.push(word(text));
        }
    }
    // A name of nothing but forms is told by them.
    if words.iter().all(|word| word.weight < 0.5) {
        for word in &mut words {
            word.weight = 1.0;
        }
    }
    let signature = signature(&words, eleven, country.as_deref());
    Normal { words, eleven, country, signature }
}

fn signature(words: &[Word], eleven: Eleven, country: Option<&str>) -> String {
    let mut told: Vec<&str> =
        words.iter().filter(|w| w.weight >= 0.2).map(|w| w.text.as_str()).collect();
    told.sort_unstable();
    told.dedup();
    let mut signature = told.join(" ");
    let Eleven { women, grade } = eleven;
    let beside = [
        country.map(str::to_owned),
        women.then(|| "w".to_owned()),
        (grade > 0).then(|| grade.to_string()),
    ];
    for one in beside.into_iter().flatten() {
        signature.push_str(" /");
        signature.push_str(&one);
    }
    signature
}

fn word(text: &SmolStr) -> Word {
    let equal = EQUAL.iter().find(|(written, _)| written == text);
    let text = equal.map_or_else(|| text.clone(), |(_, stands_for)| SmolStr::new(stands_for));
    let weight = if text.len() == 1 && !text.starts_with(|c: char| c.is_ascii_digit()) {
        0.3
    } else if FORMS.contains(&text.as_str()) {
        0.1
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        0.15
    } else if SURNAMES.contains(&text.as_str()) {
        0.5
    } else {
        1.0
    };
    Word { text, weight }
}

/// The name without a country of three capitals in brackets at its end, and that country.
fn without_country(name: &str) -> (&str, Option<SmolStr>) {
    let inner = name.trim_end().strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    match inner {
        Some((rest, country))
            if country.len() == 3 && country.bytes().all(|b| b.is_ascii_uppercase()) =>
        {
            (rest, Some(SmolStr::new(country)))
        }
        _ => (name, None),
    }
}

/// The words of a name as they stand: letters and digits in lower case without accents.
fn texts(name: &str) -> Vec<SmolStr> {
    let plain = deunicode::deunicode(name).to_lowercase();
    let mut texts: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut letters = plain.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            // `Nott'm`, `N'Golo`, `F.C.`: one word.
            '\'' | '`' | '’' => {}
            '.' if current.len() == 1
                && current.starts_with(char::is_alphabetic)
                && letters.peek().is_some_and(|c| c.is_alphabetic()) => {}
            '&' => {
                end(&mut current, &mut texts);
                texts.push("and".to_owned());
            }
            letter if letter.is_alphanumeric() => current.push(letter),
            _ => end(&mut current, &mut texts),
        }
    }
    end(&mut current, &mut texts);
    texts.into_iter().map(SmolStr::from).collect()
}

fn end(current: &mut String, texts: &mut Vec<String>) {
    if !current.is_empty() {
        texts.push(std::mem::take(current));
    }
}

/// Which side below the first a word says.
fn grade(text: &str, last: bool, first: bool, next: Option<&str>, all: &[SmolStr]) -> Option<u8> {
    let age = |digits: &str| digits.parse::<u8>().ok().filter(|age| (15..=23).contains(age));
    if text == "under" {
        return next.and_then(age);
    }
    if let Some(digits) = text.strip_prefix('u') {
        return age(digits);
    }
    // Willem II is the first side of Tilburg.
    let willem = all.first().is_some_and(|name| name == "willem");
    match text {
        "ii" if last && !willem => Some(2),
        "iii" if last => Some(3),
        "b" | "2" | "reserves" | "res" | "reserve" | "castilla" if last => Some(2),
        "jong" if first => Some(2),
        "primavera" | "youth" if last => Some(19),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) {
        assert_eq!(normal(a).signature, normal(b).signature, "{a} / {b}");
    }

    fn apart(a: &str, b: &str) {
        assert_ne!(normal(a).eleven, normal(b).eleven, "{a} / {b}");
    }

    #[test]
    fn case_accents_forms_and_order_are_taste() {
        same("1. FC Köln", "FC Cologne");
        same("Man Utd", "man united");
        same("St. Étienne", "Saint Etienne");
        same("Bayern München", "FC Bayern Munich");
        same("Atl. Madrid", "Atlético de Madrid");
        same("Brighton & Hove Albion", "Brighton and Hove Albion FC");
        same("A.C. Milan", "Milan AC");
    }

    #[test]
    fn the_women_the_reserves_and_the_youth_are_sides_of_their_own() {
        apart("Linfield (W)", "Linfield");
        apart("Arsenal Women", "Arsenal");
        apart("Ajax II", "Ajax");
        apart("Jong Ajax", "Ajax");
        apart("Barcelona B", "Barcelona");
        apart("England U21", "England");
        apart("England Under 21", "England U19");
        assert_eq!(normal("Willem II").eleven, Eleven::default());
        assert_eq!(normal("England Under 21"), normal("England U21"));
    }

    #[test]
    fn any_text_is_taken_apart() {
        for text in ["", " ", "…", "🦊", "FC", "1", "\u{0}", "W"] {
            let _ = normal(text).signature;
        }
        assert!(!normal("FC").words.is_empty());
    }
}
