//! The questions of `poolnode init`, as a state machine: the next question, an answer, a configuration. Reads and writes
//! nothing.
//!
//! ```text
//! chain -> daemon -> auth -> data folder -> address -> region -> miners -> password -> hash rate -> text of the file
//!          (not on the devnet)                                            (private)
//! ```
//! An answer is taken only when a node would start with it.

use node::{
    ChainProfile,
    config::{DaemonPlace, Values, check, daemon_place, document},
};

/// What stands for no answer, where a question may be left open.
const NONE: &str = "none";

/// What is asked, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Question {
    Chain,
    Daemon,
    Auth,
    DataDir,
    Address,
    Region,
    Miners,
    Password,
    Hashrate,
}

/// A question in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Prompt {
    pub(crate) question: Question,
    pub(crate) text: String,
    /// What an empty answer means; without one there is no way around an answer.
    pub(crate) default: Option<String>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Wizard {
    /// Cookie files of daemons that are there: chain and path.
    cookies: Vec<(String, String)>,
    chain: Option<ChainProfile>,
    values: Values,
    answered: Vec<Question>,
    hashrate: Option<f64>,
    is_private: bool,
}

impl Question {
    const ALL: [Self; 9] = [
        Self::Chain,
        Self::Daemon,
        Self::Auth,
        Self::DataDir,
        Self::Address,
        Self::Region,
        Self::Miners,
        Self::Password,
        Self::Hashrate,
    ];

    /// The flag that answers it.
    pub(crate) const fn flag(self) -> &'static str {
        match self {
            Self::Chain => "--chain",
            Self::Daemon => "--daemon",
            Self::Auth => "--auth",
            Self::DataDir => "--data-dir",
            Self::Address => "--address",
            Self::Region => "--region",
            Self::Miners => "--miners",
            Self::Password => "--password",
            Self::Hashrate => "--hashrate",
        }
    }
}

impl Question {
    /// Why it is not asked on every way.
    pub(crate) const fn why_unasked(self) -> &'static str {
        match self {
            Self::Daemon | Self::Auth => "the devnet runs inside the node, without a daemon",
            Self::Password => "there is a password only with --miners private",
            Self::Chain | Self::DataDir | Self::Address | Self::Region | Self::Miners | Self::Hashrate => {
                "it was not asked"
            }
        }
    }
}

impl Wizard {
    /// With these cookie files on the machine.
    pub(crate) fn new(cookies: Vec<(String, String)>) -> Self {
        Self { cookies, chain: None, values: Values::new(), answered: Vec::new(), hashrate: None, is_private: false }
    }

    /// The next question; none when all are answered.
    pub(crate) fn next(&self) -> Option<Prompt> {
        let question =
            Question::ALL.into_iter().find(|question| !self.answered.contains(question) && self.asks(*question))?;
        let (text, default) = self.words(question);
        Some(Prompt { question, text, default })
    }

    /// Questions that had no place among the answers.
    pub(crate) fn unasked(&self) -> impl Iterator<Item = Question> {
        Question::ALL.into_iter().filter(|question| !self.answered.contains(question))
    }

    /// Whether the question makes sense after what was said.
    fn asks(&self, question: Question) -> bool {
        match question {
            Question::Daemon => self.place().is_some(),
            Question::Auth => self.values.contains_key("parent.rpc_url"),
            Question::Password => self.is_private,
            Question::Chain
            | Question::DataDir
            | Question::Address
            | Question::Region
            | Question::Miners
            | Question::Hashrate => true,
        }
    }

    fn place(&self) -> Option<DaemonPlace> {
        daemon_place(&self.chain.as_ref()?.name)
    }

    fn words(&self, question: Question) -> (String, Option<String>) {
        let (text, default) = match question {
            Question::Chain => {
                let found = self.cookies.first().map_or("devnet", |(chain, _)| chain.as_str());
                (
                    "Which chain? devnet (try it, no daemon needed), bitcoin, litecoin, or one of their test networks",
                    Some(found),
                )
            }
            Question::Daemon => {
                return ("JSON-RPC of the coin daemon".to_owned(), self.place().map(DaemonPlace::url));
            }
            Question::Auth => return self.words_of_auth(),
            Question::DataDir => {
                let chain = self.chain.as_ref().map_or("devnet", |chain| chain.name.as_str());
                return ("Folder for key, shares and blocks".to_owned(), Some(format!("~/.poolnode/{chain}")));
            }
            Question::Address => {
                ("Payout address of miners that give none as their user name; without it they are refused", Some(NONE))
            }
            Question::Region => ("Where is this node? NA SA EU AF AS OC AN; peers measure it anyway", Some(NONE)),
            Question::Miners => (
                "Who may mine here? local (this machine), private (other machines, with a password), public",
                Some("local"),
            ),
            Question::Password => ("What miners give as password", None),
            Question::Hashrate => {
                ("How much hash rate will mine here, like 500 GH/s? Only to tell what to expect of it", Some(NONE))
            }
        };
        (text.to_owned(), default.map(ToOwned::to_owned))
    }

    fn words_of_auth(&self) -> (String, Option<String>) {
        let chain = self.chain.as_ref().map(|chain| chain.name.as_str());
        let found = self.cookies.iter().find(|(name, _)| Some(name.as_str()) == chain).map(|(_, path)| path.clone());
        let text = match found {
            Some(_) => "How does the daemon know us? A cookie file (this one is there), or USER:PASSWORD",
            None => "How does the daemon know us? A cookie file (none is there yet), or USER:PASSWORD",
        };
        let usual = self.place().and_then(|place| place.cookies().into_iter().next());
        (text.to_owned(), found.or(usual))
    }

    /// Takes an answer, or says in words why not.
    pub(crate) fn answer(&mut self, question: Question, answer: &str) -> Result<(), String> {
        let answer = answer.trim();
        if !self.asks(question) {
            return Err(question.why_unasked().to_owned());
        }
        match question {
            Question::Chain => {
                let chain = ChainProfile::find(answer, None).map_err(|error| error.to_string())?;
                self.values.clear();
                self.chain = Some(chain);
            }
            Question::Hashrate => self.hashrate = if answer == NONE { None } else { Some(hashrate(answer)?) },
            Question::Miners => self.answer_miners(answer)?,
            Question::Daemon => self.set(&[("parent.rpc_url", answer)])?,
            Question::Auth => match auth(answer) {
                Auth::User(user, password) => {
                    self.set(&[("parent.rpc_user", user), ("parent.rpc_password", password)])?
                }
                Auth::Cookie(path) => self.set(&[("parent.rpc_cookie_file", path)])?,
            },
            Question::DataDir => self.set(&[("data_dir", answer)])?,
            Question::Address if answer == NONE => {}
            Question::Address => self.set(&[("stratum.default_address", answer)])?,
            Question::Region if answer == NONE => {}
            Question::Region => self.set(&[("p2p.region", answer)])?,
            Question::Password if answer.is_empty() => return Err("an empty password keeps nobody out".to_owned()),
            Question::Password => self.set(&[("stratum.password", answer)])?,
        }
        self.answered.push(question);
        Ok(())
    }

    fn answer_miners(&mut self, answer: &str) -> Result<(), String> {
        self.is_private = match answer {
            "local" => return Ok(()),
            "private" => true,
            "public" => false,
            other => return Err(format!("{other:?} is not local, private or public")),
        };
        let port = self.chain.as_ref().map_or(0, |chain| chain.ports.stratum);
        self.set(&[("stratum.listen", &format!("0.0.0.0:{port}"))])
    }

    /// Keeps the values when a node would start with them.
    fn set(&mut self, values: &[(&'static str, &str)]) -> Result<(), String> {
        let Some(chain) = &self.chain else { return Err("the chain comes first".to_owned()) };
        let mut tried = self.values.clone();
        tried.extend(values.iter().map(|(key, value)| (*key, (*value).into())));
        check(chain, &tried).map_err(|error| error.to_string())?;
        self.values = tried;
        Ok(())
    }

    /// The chain, once it is known.
    pub(crate) const fn chain(&self) -> Option<&ChainProfile> {
        self.chain.as_ref()
    }

    /// The hash rate, where it was said.
    pub(crate) const fn hashrate(&self) -> Option<f64> {
        self.hashrate
    }

    /// The file with all answers.
    pub(crate) fn text(&self) -> Option<String> {
        Some(document(self.chain.as_ref()?, &self.values))
    }
}

enum Auth<'a> {
    User(&'a str, &'a str),
    Cookie(&'a str),
}

/// A path has a slash; a user has none.
fn auth(answer: &str) -> Auth<'_> {
    match answer.split_once(':') {
        Some((user, password)) if !user.contains('/') => Auth::User(user, password),
        _ => Auth::Cookie(answer),
    }
}

/// `500 GH/s`, `500G` or `5e11` in hashes per second.
fn hashrate(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is not a hash rate like 500 GH/s");
    let lower = text.to_ascii_lowercase();
    let bare = lower.trim_end_matches("/s").trim_end_matches('h').trim_end();
    let (number, factor) = match bare.chars().last() {
        Some(prefix @ ('k' | 'm' | 'g' | 't' | 'p' | 'e')) => {
            let power = "kmgtpe".find(prefix).and_then(|at| i32::try_from(at).ok()).unwrap_or_default() + 1;
            (bare.trim_end_matches(prefix), 1_000_f64.powi(power))
        }
        _ => (bare, 1.0),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let rate = number * factor;
    if rate.is_finite() && rate > 0.0 { Ok(rate) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests;
