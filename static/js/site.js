/** Everything that scripts add to the pages. Each part works on what it finds, or does nothing. */
import { enhanceConfirms } from "./confirm.js";
import { enhanceCopyButtons } from "./copy.js";
import { enhanceDropAnywhere } from "./drop-anywhere.js";
import { mindTheLine } from "./offline.js";
import { enhancePhotoCheck } from "./photo-check.js";
import { enhanceProgress } from "./progress.js";
import { enhanceSceneChoices } from "./scene-choices.js";
import { enhanceSelect } from "./select.js";
import { enhanceSheet } from "./sheet.js";
import { enhanceStage } from "./stage.js";
import { submitFormsOnce } from "./submit-once.js";
import { enhanceThemeToggle } from "./theme-toggle.js";
import { fillTimeZones } from "./time-zone.js";
import { enhanceUpload } from "./upload.js";
import { enhanceVersus } from "./versus.js";

enhanceThemeToggle();
enhanceConfirms();
enhanceCopyButtons();
enhanceProgress();
enhanceSheet();
enhanceSelect();
enhanceStage();
enhanceSceneChoices();
enhanceVersus();
enhanceUpload();
enhanceDropAnywhere();
enhancePhotoCheck();
mindTheLine(); // before: it holds forms back
submitFormsOnce();
fillTimeZones();
