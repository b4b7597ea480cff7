//! Outputs that a coin demands in its coinbase beside the payouts: named in the template, or the key that signs the block.

use serde_json::Value;
use sharechain::{
    Amount,
    share::{EXTRA_OUTPUT_SCRIPT_LEN_MAX, EXTRA_OUTPUTS_MAX, ExtraOutput},
};

use super::TemplateError;
use crate::chain_profile::DaemonProfile;

/// What daemons call an output's script. The first one that is there counts: GlobalToken gives the same in two forms.
const SCRIPT_NAMES: [&str; 3] = ["hex", "scriptPubKey", "script"];
const AMOUNT_NAMES: [&str; 2] = ["amount", "value"];

/// The outputs of the profile's fields, in the order of the fields, and that of the signing key.
pub(super) fn demanded(json: &str, profile: &DaemonProfile) -> Result<Vec<ExtraOutput>, TemplateError> {
    let mut outputs = Vec::new();
    if !profile.output_fields.is_empty() {
        let template: Value = serde_json::from_str(json).map_err(|error| TemplateError::Json(error.to_string()))?;
        for field in &profile.output_fields {
            outputs.extend(in_field(field, &template[field.as_str()])?);
        }
    }
    if let Some(key) = &profile.signature_key {
        // A push of the key and OP_CHECKSIG; worth nothing, it only says who signs.
        let script = [&[0x21][..], key, &[0xac]].concat();
        outputs.push(ExtraOutput { value: Amount::ZERO, script });
    }
    if outputs.len() > EXTRA_OUTPUTS_MAX {
        return Err(TemplateError::Output { field: profile.output_fields.join(", "), problem: "one too many" });
    }
    Ok(outputs)
}

fn in_field(field: &str, value: &Value) -> Result<Vec<ExtraOutput>, TemplateError> {
    let refuse = |problem| TemplateError::Output { field: field.to_owned(), problem };
    let entries = match value {
        // Heights without such an output have no field, or an empty one.
        Value::Null => &[],
        Value::Object(object) if object.is_empty() => &[],
        Value::Object(_) => std::slice::from_ref(value),
        Value::Array(entries) => entries.as_slice(),
        _ => return Err(refuse("not understood")),
    };
    let output = |entry: &Value| {
        let script = SCRIPT_NAMES.iter().find_map(|name| entry[name].as_str()).and_then(|text| hex::decode(text).ok());
        let script = script.filter(|script| script.len() <= EXTRA_OUTPUT_SCRIPT_LEN_MAX);
        let amount = AMOUNT_NAMES.iter().find_map(|name| entry[name].as_u64());
        Ok(ExtraOutput {
            script: script.ok_or_else(|| refuse("to no script of at most 40 bytes"))?,
            value: Amount::from_units(amount.ok_or_else(|| refuse("without an amount"))?),
        })
    };
    entries.iter().map(output).collect()
}
