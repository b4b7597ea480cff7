//! What a miner says beside its name: options in the password, `d=1024,fd=..,th=1.5T`.
//!
//! - `d=` the least difficulty, which is also where it starts;
//! - `fd=` a difficulty that stays;
//! - `th=` its hash rate, from which the first difficulty follows: `1.5T`, `500G`, `20k`;
//! - `c=` the lane it wants to stay on;
//! - `LANE=ADDRESS` its payout address on a lane where the one in its name is not good;
//! - `r=1` it may be pointed to another node of the same operator when this one is too full or stops.
//!
//! Options are separated by commas, semicolons or blanks. What is none of them is the endpoint's password.

use crate::{
    lane::{LaneId, Lanes},
    limits::PASSWORD_LEN_MAX,
};

/// The options of a login.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LoginOptions {
    /// The least difficulty.
    pub difficulty_min: Option<f64>,
    /// The only difficulty.
    pub difficulty_fixed: Option<f64>,
    /// Hashes per second.
    pub hashrate: Option<f64>,
    /// The name of the lane it wants to stay on.
    pub lane: Option<String>,
    /// What may be lanes with payout addresses, or nothing of ours.
    pub others: Vec<(String, String)>,
    /// Whether it follows `client.reconnect` to another node of the same operator.
    pub follows: bool,
    /// What is no option: the endpoint's password, or the `x` that everybody sends.
    pub password: String,
}

/// An option without a number that makes sense.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("password option {option}= needs {expected}")]
pub struct OptionError {
    option: &'static str,
    expected: &'static str,
}

impl LoginOptions {
    /// Parses a password.
    ///
    /// # Errors
    /// [`OptionError`] names the option: a miner that asks for something should not get something else.
    pub fn parse(password: &str) -> Result<Self, OptionError> {
        let mut options = Self::default();
        let password: String = password.chars().take(PASSWORD_LEN_MAX).collect();
        for part in password.split([',', ';', ' ']).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("d", number)) => options.difficulty_min = Some(difficulty("d", number)?),
                Some(("fd", number)) => options.difficulty_fixed = Some(difficulty("fd", number)?),
                Some(("th", number)) => options.hashrate = Some(hashrate(number)?),
                Some(("r", choice)) => options.follows = choice_of(choice)?,
                Some(("c", name)) => options.lane = Some(name.to_owned()),
                other => {
                    options.others.extend(other.map(|(name, value)| (name.to_owned(), value.to_owned())));
                    // An address for a lane is not the password, unless nothing else is.
                    if other.is_none() || options.password.is_empty() {
                        options.password = part.to_owned();
                    }
                }
            }
        }
        Ok(options)
    }

    /// The payout address on the lane of this name.
    pub fn address_on(&self, lane: &str) -> Option<&str> {
        self.others.iter().find(|(name, _)| name.eq_ignore_ascii_case(lane)).map(|(_, address)| address.as_str())
    }

    /// The lane to stay on. Where there is one lane only, what other pools call their coins is no matter.
    ///
    /// # Errors
    /// [`OptionError`] when the node has no such lane.
    pub fn pin(&self, lanes: &Lanes) -> Result<Option<LaneId>, OptionError> {
        let Some(name) = self.lane.as_deref().filter(|_| lanes.len() > 1) else { return Ok(None) };
        let named =
            lanes.named(name).ok_or(OptionError { option: "c", expected: "the name of a lane of this node" })?;
        Ok(Some(named))
    }
}

fn difficulty(option: &'static str, text: &str) -> Result<f64, OptionError> {
    positive(text).ok_or(OptionError { option, expected: "a positive number" })
}

fn choice_of(text: &str) -> Result<bool, OptionError> {
    match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(OptionError { option: "r", expected: "0 or 1" }),
    }
}

fn hashrate(text: &str) -> Result<f64, OptionError> {
    let error = OptionError { option: "th", expected: "hashes per second, as 1.5T, 500G or 20k" };
    let unit = match text.chars().last().ok_or_else(|| error.clone())? {
        'k' | 'K' => 1e3,
        'M' | 'm' => 1e6,
        'G' | 'g' => 1e9,
        'T' | 't' => 1e12,
        'P' | 'p' => 1e15,
        _ => 1.0,
    };
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    positive(digits).map(|number| number * unit).filter(|rate| rate.is_finite()).ok_or(error)
}

fn positive(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_the_password_are_told_apart() {
        let parse = |text| LoginOptions::parse(text).unwrap();
        assert_eq!(parse("x"), LoginOptions { password: "x".to_owned(), ..LoginOptions::default() });
        assert_eq!(parse(""), LoginOptions::default());
        assert_eq!(
            parse("secret, d=1024;th=1.5T fd=0.001"),
            LoginOptions {
                difficulty_min: Some(1_024.0),
                difficulty_fixed: Some(0.001),
                hashrate: Some(1.5e12),
                password: "secret".to_owned(),
                ..LoginOptions::default()
            }
        );
        assert!(parse("x,r=1").follows && !parse("x,r=0").follows && !parse("r").follows);
        assert_eq!(parse("th=20k").hashrate, Some(20_000.0));
        assert_eq!(parse("th=7").hashrate, Some(7.0));
        assert_eq!(parse("id=7").password, "id=7", "an option of other pools");
        let lanes = parse("x,c=second;Second=dn1q");
        assert_eq!((lanes.lane.as_deref(), lanes.address_on("second")), (Some("second"), Some("dn1q")));
        assert_eq!(lanes.address_on("main"), None);
        for text in ["secret,second=dn1q", "second=dn1q,secret", "c=second;secret"] {
            assert_eq!(parse(text).password, "secret", "{text}");
        }
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused_in_words() {
        for (text, words) in [
            ("d=", "password option d= needs a positive number"),
            ("d=-1", "password option d= needs a positive number"),
            ("fd=nan", "password option fd= needs a positive number"),
            ("fd=1e999", "password option fd= needs a positive number"),
            ("th=T", "password option th= needs hashes per second, as 1.5T, 500G or 20k"),
            ("th=", "password option th= needs hashes per second, as 1.5T, 500G or 20k"),
            ("r=yes", "password option r= needs 0 or 1"),
        ] {
            assert_eq!(LoginOptions::parse(text).unwrap_err().to_string(), words, "{text}");
        }
    }
}
