//! What a client asks for: extensions (BIP310), difficulties, targets.

use std::time::Instant;

use serde_json::{Map, Value};
use sharechain::{PowAlgorithm, Target};

use super::{Action, Session, version_rolling_mask};
use crate::{difficulty::Difficulty, limits::EXTENSIONS_MAX, message::Request};

impl Session {
    /// `mining.configure [[extension, ..], {option: value}]`: one entry per extension in the reply, false for the unknown.
    pub(super) fn on_configure(&mut self, request: &Request<'_>, now: Instant) -> Vec<Action> {
        let params: Vec<Value> = match request.params("[[extension, ..], {option: value}]") {
            Ok(params) => params,
            Err(reject) => return vec![Action::Send(request.refuse(&reject))],
        };
        // Some send no options at all.
        let options = params.get(1).cloned().unwrap_or_default();
        let extensions = params.first().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut result = Map::new();
        for extension in extensions.iter().filter_map(Value::as_str).take(EXTENSIONS_MAX) {
            let supported = match extension {
                "version-rolling" => self.allow_version_rolling(&options, &mut result),
                "minimum-difficulty" => {
                    let asked = options.get("minimum-difficulty.value").and_then(number);
                    asked.inspect(|difficulty| self.miner.set_difficulty_min(*difficulty, now)).is_some()
                }
                "subscribe-extranonce" | "info" => true,
                _ => false,
            };
            result.insert(extension.to_owned(), supported.into());
        }
        vec![Action::Send(request.reply(&Value::Object(result).to_string()))]
    }

    fn allow_version_rolling(&mut self, options: &Value, result: &mut Map<String, Value>) -> bool {
        let allowed = version_rolling_mask(self.config.algorithm()) & !self.config.lanes.fixed_version_bits();
        let asked = options.get("version-rolling.mask").and_then(Value::as_str);
        let asked = asked.and_then(|mask| u32::from_str_radix(mask, 16).ok()).unwrap_or(u32::MAX);
        self.version_mask = allowed & asked;
        if self.version_mask != 0 {
            result.insert("version-rolling.mask".to_owned(), format!("{:08x}", self.version_mask).into());
        }
        self.version_mask != 0
    }
}

/// `mining.suggest_difficulty [difficulty]`.
pub(super) fn difficulty(request: &Request<'_>) -> Option<f64> {
    let params: Vec<Value> = request.params("[difficulty]").ok()?;
    params.first().and_then(number)
}

/// `mining.suggest_target ["64 hexadecimal digits, big-endian"]` as a difficulty.
pub(super) fn target_difficulty(request: &Request<'_>, algorithm: PowAlgorithm) -> Option<f64> {
    let params: Vec<String> = request.params("[target]").ok()?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(params.first()?, &mut bytes).ok()?;
    bytes.reverse();
    Some(Difficulty::covering(Target::from_le_bytes(&bytes), algorithm).get())
}

/// A positive number; cpuminer-opt sends it as a string.
fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    (number.is_finite() && number > 0.0).then_some(number)
}
