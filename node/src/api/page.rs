//! Pages of lists: how many elements, and where to go on.
//!
//! Lists that live in memory and move are paged by place: what comes or goes between two questions may be seen twice or not at
//! all. Shares are paged by their place in the canonical order, which does not move.

use axum::http::StatusCode;
use serde::Deserialize;

use super::{
    dto::List,
    problem::{Failure, problem},
};

/// Elements of a page when nothing is asked for.
pub(super) const LIMIT_DEFAULT: usize = 100;
/// Most elements of a page. Stops one question from costing the node more than a millisecond or two.
pub(super) const LIMIT_MAX: usize = 1_000;

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Paged {
    /// Most elements.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    pub(super) limit: Option<usize>,
    /// Where to go on: `meta.next` of the page before.
    #[param(nullable = false, pattern = "^[0-9]{1,19}$")]
    pub(super) cursor: Option<String>,
}

/// The same, checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Page {
    /// Most elements.
    pub(super) limit: usize,
    /// Place of the first, or of the one before it, as the list counts.
    pub(super) from: Option<u64>,
}

impl Page {
    /// # Errors
    /// A limit out of range, or a cursor that is not ours.
    pub(super) fn new(limit: Option<usize>, cursor: Option<&str>) -> Result<Self, Failure> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            let detail = format!("limit must be 1 to {LIMIT_MAX}");
            return Err(problem(StatusCode::BAD_REQUEST, "bad limit", detail));
        }
        let malformed = |_| {
            problem(StatusCode::BAD_REQUEST, "bad cursor", "a cursor is the meta.next of the page before, unchanged")
        };
        let from = cursor.map(str::parse).transpose().map_err(malformed)?;
        Ok(Self { limit, from })
    }

    /// The page of a list in memory; only its elements are converted.
    pub(super) fn of<T, D>(self, items: &[T], convert: impl FnMut(&T) -> D) -> List<D> {
        let from = self.from.map_or(0, |from| usize::try_from(from).unwrap_or(usize::MAX)).min(items.len());
        let end = from.saturating_add(self.limit).min(items.len());
        let data = items.get(from..end).unwrap_or_default().iter().map(convert).collect();
        let next = (end < items.len()).then(|| end.to_string());
        List::page(data, items.len(), next)
    }
}

impl Paged {
    /// # Errors
    /// As [`Page::new`].
    pub(super) fn page(&self) -> Result<Page, Failure> {
        Page::new(self.limit, self.cursor.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let items: Vec<u32> = (0..7).collect();
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = Page::new(Some(3), cursor.as_deref()).unwrap().of(&items, |item| *item);
            assert_eq!((page.meta.count, page.meta.total), (page.data.len(), 7));
            seen.extend(page.data);
            cursor = page.meta.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, items);
    }

    #[test]
    fn a_page_has_bounds() {
        assert_eq!(Page::new(None, None).unwrap().limit, LIMIT_DEFAULT);
        for limit in [0, LIMIT_MAX + 1] {
            assert!(Page::new(Some(limit), None).is_err(), "{limit}");
        }
        for cursor in ["", "-1", "x", "18446744073709551616"] {
            assert!(Page::new(None, Some(cursor)).is_err(), "{cursor}");
        }
        let beyond = Page::new(None, Some("18446744073709551615")).unwrap().of(&[1, 2], |item| *item);
        assert_eq!((beyond.data.len(), beyond.meta.total, beyond.meta.next), (0, 2, None));
    }
}
