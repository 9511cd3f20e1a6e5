//! Layers and universes together.

use buildbook_layout::{HtmlTree, PlatformTree, Timestamp};

use crate::{
    LayerGcResult, LayerPlan, Policy, Result, Roots, UniverseGcResult, UniversePlan, gc_layers, gc_universes,
    plan_layers, plan_universes, survey_layers, survey_universes,
};

/// Decides about the layers of a platform and about the universes. That one cannot be decided about does not
/// hinder the other. Nothing is changed.
pub fn plan_all(
    tree: &PlatformTree,
    html: &HtmlTree,
    roots: &Roots,
    policy: &Policy,
    now: Timestamp,
) -> (Result<LayerPlan>, Result<UniversePlan>) {
    let layers = survey_layers(tree).map(|survey| plan_layers(survey, roots, policy, now));
    let universes = survey_universes(html).map(|survey| plan_universes(survey, policy, now));
    (layers, universes)
}

/// Collects the layers of a platform, then the universes. That one fails does not hinder the other.
pub fn gc_all(
    tree: &PlatformTree,
    html: &HtmlTree,
    roots: &Roots,
    policy: &Policy,
    now: Timestamp,
) -> (Result<LayerGcResult>, Result<UniverseGcResult>) {
    (gc_layers(tree, roots, policy, now), gc_universes(html, policy, now))
}
