//! Lock files that a machine left when it lost power: nobody holds them.

use anyhow::Result;

use super::Plan;
use crate::Tree;

impl Plan<'_> {
    pub(super) fn write_locks(&self, tree: &Tree) -> Result<Vec<String>> {
        tree.folder(self.book.locks())?;
        let mut names = vec!["tool-odoc-5.3.0.lock".to_owned()];
        if let Some(package) = self.farm.packages.first() {
            names.push(format!("build-{}.lock", package.id));
            names.push(format!("doc-{}-{}.lock", package.id, package.universe));
        }
        names.sort();
        let start = self.spec.run_start(self.spec.runs).as_unix();
        for (index, name) in names.iter().enumerate() {
            // A process, when it began, its layer, and its log.
            let note =
                format!("{}\n{}\nbuild-0123456789ab\n/tmp/pretend_run/build.log\n", 4000 + index, start + 60);
            tree.file(self.book.locks().join(name), note)?;
        }
        // The second version locks an empty file beside each layer and never removes it.
        if let Some(layer) = self.histories.iter().flatten().find_map(|entry| entry.layer.as_ref()) {
            tree.file(self.platform.layer_lock(layer), "")?;
        }
        Ok(names)
    }
}
