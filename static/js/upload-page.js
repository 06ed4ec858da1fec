/**
 * What only the pages that accept photos need: a new scene, and a draft. A script of its own, so
 * that no other page has to load it.
 */
import { enhancePhotoCheck } from "./draft/photo-check.js";
import { enhanceUpload } from "./upload/new-scene.js";

enhanceUpload();
enhancePhotoCheck();
