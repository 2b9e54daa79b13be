"""One file per kind of tracker."""
