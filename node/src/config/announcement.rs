//! `[directory]`: what others are told of this node.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, in_home};
use crate::directory::{Country, InvalidStratumUrl, StratumUrl, limits::ENDPOINTS_MAX};

/// `[directory]` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawDirectory {
    /// Where miners connect to from outside.
    pub public_stratum: Vec<String>,
    /// The country of the node.
    pub country: Option<String>,
    /// The key that all nodes of an operator share.
    pub operator_key_file: Option<PathBuf>,
}

/// The same, resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnnouncementConfig {
    /// Where miners connect to from outside; nothing is announced without one.
    pub endpoints: Vec<StratumUrl>,
    /// The country of the node.
    pub country: Option<Country>,
    /// The key that all nodes of an operator share.
    pub operator_key_file: Option<PathBuf>,
}

/// Why nothing can be announced like this.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AnnouncementError {
    /// Not where miners could connect to.
    #[error("directory.public_stratum: {0}")]
    PublicStratum(InvalidStratumUrl),
    /// More than an ad holds.
    #[error("directory.public_stratum: at most {ENDPOINTS_MAX} endpoints can be announced")]
    TooMany,
    /// Not a country.
    #[error("directory.country: {0:?} is not a country like DE (ISO 3166-1, two capital letters)")]
    Country(String),
    /// Nobody could tell which other nodes are the operator's.
    #[error(
        "stratum.shed_load_above: needs directory.operator_key_file and directory.public_stratum, by which the other \
         nodes of this operator are known"
    )]
    ShedWithoutOperator,
}

impl AnnouncementError {
    /// The key that it is about.
    pub(super) const fn key(&self) -> &'static str {
        match self {
            Self::PublicStratum(_) | Self::TooMany => "directory.public_stratum",
            Self::Country(_) => "directory.country",
            Self::ShedWithoutOperator => "stratum.shed_load_above",
        }
    }
}

impl AnnouncementConfig {
    /// Whether other nodes of the operator know this one for theirs.
    pub fn names_operator(&self) -> bool {
        !self.endpoints.is_empty() && self.operator_key_file.is_some()
    }
}

impl RawDirectory {
    /// Checks every value.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn resolve(self) -> Result<AnnouncementConfig, ConfigError> {
        let endpoints: Vec<StratumUrl> = self
            .public_stratum
            .iter()
            .map(|url| url.parse().map_err(AnnouncementError::PublicStratum))
            .collect::<Result<_, _>>()?;
        if endpoints.len() > ENDPOINTS_MAX {
            return Err(AnnouncementError::TooMany.into());
        }
        let country = |text: String| Country::parse(&text).ok_or(AnnouncementError::Country(text));
        let home = |path| in_home(path).ok_or(ConfigError::NoHome);
        Ok(AnnouncementConfig {
            endpoints,
            country: self.country.map(country).transpose()?,
            operator_key_file: self.operator_key_file.map(home).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> RawDirectory {
        toml::from_str(text).unwrap()
    }

    fn resolve(text: &str) -> Result<AnnouncementConfig, ConfigError> {
        raw(text).resolve()
    }

    #[test]
    fn what_is_announced_is_where_miners_can_connect() {
        assert!(resolve("").unwrap().endpoints.is_empty());
        let url = "stratum+tcp://pool.example:3333";
        let announced = resolve(&format!("public_stratum = [{url:?}]\ncountry = \"DE\"")).unwrap();
        assert_eq!(announced.endpoints[0].to_string(), url);
        assert!(!announced.names_operator());
        assert!(AnnouncementConfig { operator_key_file: Some("/key".into()), ..announced }.names_operator());
        let error = resolve("public_stratum = [\"pool.example:3333\"]").unwrap_err().to_string();
        assert!(error.starts_with("directory.public_stratum: \"pool.example:3333\" is no endpoint like"), "{error}");
        let five = vec![url; 5];
        assert!(matches!(
            resolve(&format!("public_stratum = {five:?}")),
            Err(ConfigError::Announcement(AnnouncementError::TooMany))
        ));
        assert!(matches!(
            resolve("country = \"Germany\""),
            Err(ConfigError::Announcement(AnnouncementError::Country(_)))
        ));
    }
}
