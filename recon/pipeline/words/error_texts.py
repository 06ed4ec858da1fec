"""What a person reads of each error and warning, by code: what happened, and what to do.

Used by the pages, the API and the command line alike. Each code has a paragraph in
docs/use/troubleshooting.md, too (a test compares the two).
"""

from __future__ import annotations

from recon.pipeline.words.explanation import Explanation
from recon.pipeline.words.texts import Counted

EXPLANATIONS: dict[str, Explanation] = {
    # The photos.
    "too_few_photos": Explanation(
        Counted(
            "There is {count} photo; a scene needs {minimum} to {maximum}.",
            "There are {count} photos; a scene needs {minimum} to {maximum}.",
            exactly={0: "There are no photos yet; a scene needs {minimum} to {maximum}."},
        ),
        "Add photos of the same place, with a step sideways between photos.",
    ),
    "too_many_photos": Explanation(
        "There are {count} photos; a scene takes {minimum} to {maximum}.",
        "Leave out near-duplicates and blurred ones.",
    ),
    "photo_unreadable": Explanation(
        "“{name}” can't be read as a photo.",
        "It may be damaged, or not a photo at all. Export it again as JPEG, PNG or WebP.",
    ),
    "photo_raw": Explanation(
        "“{name}” is a camera's raw photo ({kind}).",
        "Raw formats such as CR3, NEF, ARW and DNG can't be read here. Export it as JPEG in the "
        "camera or a photo app, and send that.",
    ),
    "photo_other_kind": Explanation(
        "“{name}” is not a photo that can be read here: its format is {kind}.",
        "Export the photo as JPEG, PNG, WebP, HEIC or AVIF. Take photos out of archives and "
        "documents, and send them one by one.",
    ),
    "photo_spherical": Explanation(
        "“{name}” is a 360-degree photo or a stitched panorama.",
        "A scene needs ordinary photos, each taken from a different spot. Take some with a phone "
        "or a camera, or export flat views of 360-degree photos from several spots.",
    ),
    "photo_too_small": Explanation(
        "“{name}” is {width}×{height} pixels; at least {minimum} on each side are needed.",
        "Use the original photo, not a thumbnail.",
    ),
    "photo_too_large": Explanation(
        "“{name}” declares {megapixels} megapixels; the limit is {maximum}.",
        "Make it smaller and send it again.",
    ),
    "photo_too_complex": Explanation(
        "“{name}” takes too much memory or time to open.",
        "Open it in a photo app, save it as an ordinary JPEG, and send that.",
    ),
    "too_few_registered": Explanation(
        Counted(
            "Only {registered} of {total} photos could be placed in one scene.",
            "Only {registered} of {total} photos could be placed in one scene.",
            by="registered",
            exactly={0: "None of the {total} photos could be placed."},
        ),
        "Neighbouring photos should share at least two thirds of what they show. Take photos of "
        "something with texture, in even light, at 640×480 pixels or more, with a step sideways "
        "between photos; turning on the spot is not enough.",
    ),
    "no_features": Explanation(
        "The photos show too little texture to find common points.",
        "Photograph something with visible structure, in good light and in focus.",
    ),
    "photos_share_nothing": Explanation(
        Counted(
            "The {total} photos show {groups} places that have nothing in common. At most "
            "{largest} photo shows the same place, and {minimum} are needed.",
            "The {total} photos show {groups} places that have nothing in common. At most "
            "{largest} photos show the same place, and {minimum} are needed.",
            by="largest",
            exactly={1: "No two photos show the same place."},
        ),
        "Each place needs a scene of its own, of {minimum} photos or more. Neighbouring photos "
        "should share at least two thirds of what they show.",
    ),
    "photos_identical": Explanation(
        Counted(
            "All {total} photos are copies of one.",
            "Of the {total} photos only {distinct} are different; the others are copies.",
            by="distinct",
        ),
        "Take each photo from a different spot, with a step sideways between photos.",
    ),
    "stands_still": Explanation(
        "Something stands still in all photos (a background, a frame or an overlay), in about "
        "{percent}% of what they show, and the rest is too little to tell where they were taken "
        "from.",
        "Move the camera around the object instead of turning the object in front of it, or use "
        "a plain background. Crop away frames, bars and watermarks.",
    ),
    "no_baseline": Explanation(
        "All photos were taken from one spot; the camera only turned.",
        "Depth shows only from different spots. Take a step sideways between photos, and keep "
        "pointing at the same thing.",
    ),
    # A zip of photos.
    "zip_unreadable": Explanation(
        "“{name}” can’t be read as a zip.",
        "It may be damaged, or not have arrived whole. Make it again, or send the photos as they "
        "are.",
    ),
    "zip_encrypted": Explanation(
        "“{name}” is locked with a password.",
        "Make the zip again without one, or send the photos as they are.",
    ),
    "zip_unsafe": Explanation(
        "“{name}” holds a file that leads out of it: “{entry}”.",
        "Make a zip of ordinary files and folders, without links.",
    ),
    "zip_nested": Explanation(
        "“{name}” holds another zip.",
        "Unpack that one first, and make one zip of all the photos.",
    ),
    "zip_too_large": Explanation(
        "“{name}” unpacks to more than {limit}, or to far more than photos do.",
        "Leave out what is no photo, or send fewer photos.",
    ),
    "zip_photo_too_large": Explanation(
        "“{entry}” in “{name}” is larger than {limit}, the limit for one photo.",
        "Make it smaller, or leave it out.",
    ),
    "zip_without_photos": Explanation(
        "There is no photo in “{name}”.",
        "A zip may hold JPEG, PNG, WebP, HEIC and AVIF photos, in folders too.",
    ),
    # Camera positions that came with the photos.
    "poses_unreadable": Explanation(
        "The camera positions can’t be read: “{file}” is damaged or incomplete.",
        "Export the COLMAP model (cameras, images and points3D, as text or binary) or nerfstudio’s "
        "transforms.json again. Without it, the positions are worked out from the photos.",
    ),
    "poses_too_large": Explanation(
        "The camera positions take too much to read: their files may have {limit} together, "
        "and 20,000 photos.",
        "Leave out photos that you do not send, and points3D, or send the COLMAP model as binary "
        "files. Without positions, they are worked out from the photos.",
    ),
    "poses_unknown_camera": Explanation(
        "The camera positions are for a kind of lens that can’t be used here: {lens}.",
        "Undistort the photos in the program that the positions come from, and send these"
        " with their own positions; or leave the positions out.",
    ),
    "poses_bad_camera": Explanation(
        "The lens that the camera positions give for “{name}” makes no sense: a focal length of "
        "{focal} pixels for a picture of {width}×{height}.",
        "Check focal length, principal point and distortion in the file of positions, or "
        "leave it out.",
    ),
    "poses_size_differs": Explanation(
        "“{name}” has another shape than its camera: the photo is {width}×{height} pixels here, "
        "the camera’s picture {camera_width}×{camera_height}.",
        "Send the photos that the camera positions were made from. They may be smaller or larger "
        "than they were, but not cropped or turned.",
    ),
    "poses_match_no_photo": Explanation(
        "None of the photos is among the camera positions: those are of photos such as “{listed}”, "
        "and one of yours is called “{name}”.",
        "Send the photos under the names that the file of positions has for them.",
    ),
    "poses_too_few": Explanation(
        Counted(
            "Only {placed} of {total} photos has a camera position; at least {minimum} are needed.",
            "Only {placed} of {total} photos have a camera position; at least {minimum} are "
            "needed.",
            by="placed",
        ),
        "Send the photos under the names that the file of positions has for them, or leave it out.",
    ),
    "poses_do_not_fit": Explanation(
        "The camera positions do not fit what the photos show.",
        "Check that the positions were made from these photos, and that each has its own "
        "name. Without them, positions are worked out from the photos.",
    ),
    "not_a_scene": Explanation(
        "These photos do not make a scene: {registered} of {total} could be placed, and what they "
        "show does not fit together.",
        "Take more photos of one thing that does not move, with a step sideways between "
        "photos, so that neighbours share two thirds of what they show. Nothing is lost: "
        "photos can be added to these, and the scene can be made all the same, such as it"
        " is.",
    ),
    # A video instead of photos.
    "video_unreadable": Explanation(
        "“{name}” can't be read as a video.",
        "It may be damaged, contain no video, or use a compression that can't be read here. "
        "Export it again as MP4 (H.264), or send photos.",
    ),
    "video_other_kind": Explanation(
        "“{name}” is not a video that can be read here: its format is {kind}.",
        "Export it as MP4, MOV or WebM, or send photos.",
    ),
    "video_spherical": Explanation(
        "“{name}” is a 360-degree video.",
        "A scene needs ordinary pictures. Export a flat view of it, or film with a phone or a "
        "camera.",
    ),
    "video_too_short": Explanation(
        "“{name}” lasts {seconds} s; at least {minimum} s are needed.",
        "Walk slowly along or around your subject for 10 to 60 seconds.",
    ),
    "video_too_long": Explanation(
        "“{name}” lasts {seconds} s; the limit is {maximum} s.",
        "Trim it, or record a shorter one: just as many frames are taken from it.",
    ),
    "video_too_small": Explanation(
        "“{name}” is {width}×{height} pixels; at least {minimum} on each side are needed.",
        "Send the video as it was recorded, not a preview.",
    ),
    "video_too_large": Explanation(
        "“{name}” is {width}×{height} pixels; a frame may have {maximum} megapixels at most.",
        "Export it in 4K or 1080p: frames are made smaller anyway.",
    ),
    "video_too_complex": Explanation(
        "“{name}” takes too much memory or time to open.",
        "Export it again as MP4 in 4K or 1080p, or send photos.",
    ),
    "video_damaged": Explanation(
        "“{name}” is damaged: {percent}% of it could be read.",
        "Copy it from the camera again, or send photos.",
    ),
    "video_too_still": Explanation(
        "The camera hardly moves in “{name}”.",
        "Depth shows only from different spots. Walk slowly, and keep pointing at the same thing.",
    ),
    "video_too_slow": Explanation(
        Counted(
            "Taking frames from “{name}” took longer than {minutes} minute.",
            "Taking frames from “{name}” took longer than {minutes} minutes.",
            by="minutes",
        ),
        "Send a shorter video, or one in 1080p.",
    ),
    "video_in_work": Explanation(
        "Frames are still being taken from “{name}”.",
        "Start when they are ready, or remove the video.",
    ),
    "too_many_videos": Explanation(
        Counted(
            "A scene takes frames from at most {limit} video.",
            "A scene takes frames from at most {limit} videos.",
            by="limit",
        ),
        "Remove one to send another.",
    ),
    # Drafts.
    "too_large_together": Explanation(
        "Together, the photos are larger than {limit}, the limit for one scene.",
        "Leave some out, or send smaller ones.",
    ),
    "too_many_drafts": Explanation(
        Counted(
            "You have {count} scene that has not been started, the maximum.",
            "You have {count} scenes that have not been started, the maximum.",
        ),
        "Start or delete one to make another.",
    ),
    "draft_started": Explanation(
        "This scene has already been started, so its photos can't be changed.",
        "When it has finished, “Add photos and run again” on its page makes a new draft from them.",
    ),
    "not_ended": Explanation(
        "This scene is not done yet.",
        "Wait until it has finished, or cancel it; then photos can be added.",
    ),
    # What one person may have.
    "quota_stored": Explanation(
        "There is no room for this: you can store {limit}, and have {left} left.",
        "Delete scenes that you no longer need; the page “Your usage” shows the biggest first.",
    ),
    "quota_active_jobs": Explanation(
        Counted(
            "You can have {limit} scene waiting or running at a time, and you already do.",
            "You can have {limit} scenes waiting or running at a time, and you already do.",
            by="limit",
        ),
        "Wait until one is done, or cancel one.",
    ),
    "quota_jobs_a_day": Explanation(
        Counted(
            "You can start {limit} scene a day, and today’s is used up.",
            "You can start {limit} scenes a day, and today’s are used up.",
            by="limit",
        ),
        "You can still add photos to scenes that have not been started. Come back "
        "tomorrow to start them.",
    ),
    "quota_videos": Explanation(
        Counted(
            "{limit} of your videos is already waiting for its frames, the maximum.",
            "{limit} of your videos are already waiting for their frames, the maximum.",
            by="limit",
        ),
        "Wait until one is done, or remove one.",
    ),
    "account_closing": Explanation(
        "This account is being deleted.",
        "Nothing can be added to it any more.",
    ),
    "last_superuser": Explanation(
        "This is the only account that can manage the site, so it can’t be deleted.",
        "First make another account a superuser, on the administration pages.",
    ),
    # Teams.
    "team_quota_stored": Explanation(
        "There is no room for this in the team “{team}”: it can store {limit}, and has {left} "
        "left.",
        "Delete scenes of the team that nobody needs; the team’s page shows the biggest first.",
    ),
    "team_quota_active_jobs": Explanation(
        Counted(
            "The team “{team}” can have {limit} scene waiting or running at a time, and it "
            "already does.",
            "The team “{team}” can have {limit} scenes waiting or running at a time, and it "
            "already does.",
            by="limit",
        ),
        "Wait until one is done, or cancel one.",
    ),
    "team_quota_jobs_a_day": Explanation(
        Counted(
            "The team “{team}” can start {limit} scene a day, and today’s is used up.",
            "The team “{team}” can start {limit} scenes a day, and today’s are used up.",
            by="limit",
        ),
        "Photos can still be added to scenes that have not been started. Come back tomorrow to "
        "start them.",
    ),
    "team_too_many_drafts": Explanation(
        Counted(
            "The team “{team}” has {count} scene that has not been started, the maximum.",
            "The team “{team}” has {count} scenes that have not been started, the maximum.",
        ),
        "Start or delete one to make another.",
    ),
    "team_closing": Explanation(
        "This team is being deleted.",
        "Nothing can be added to it any more.",
    ),
    "no_such_team": Explanation(
        "You have no team “{team}” in which you could make scenes.",
        "Choose another. If you can only look at the team’s scenes, one of its owners can make "
        "you an editor.",
    ),
    "not_in_team": Explanation(
        "Whoever made this scene is no longer in its team.",
        "Open the scene again: it belongs to another member now.",
    ),
    "not_yours_to_move": Explanation(
        "Only the person whose scene this is can move it.",
        "Ask them, or make another scene of the same photos where you want it.",
    ),
    "last_team_owner": Explanation(
        "Nobody else is an owner of {names}.",
        "First make somebody else an owner on the team’s page, or delete the team.",
    ),
    "too_many_teams": Explanation(
        Counted(
            "You can own at most {limit} team, and you already do.",
            "You can own at most {limit} teams, and you already do.",
            by="limit",
        ),
        "Leave or delete one to make another.",
    ),
    # Warnings: the job goes on.
    "copies_left_out": Explanation(
        Counted(
            "{count} of the {total} photos is a copy of another and was left out: {names}.",
            "{count} of the {total} photos are copies of others and were left out: {names}.",
        ),
        "A copy adds nothing, whatever its name, size or format. The best version of each photo "
        "was used.",
    ),
    "still_parts_left_out": Explanation(
        "Something stands still in the pictures while the rest moves (a background, a frame or an "
        "overlay), in about {percent}% of what they show.",
        "Where the photos were taken was worked out from the rest; the scene may look wrong "
        "where things stood still. Move the camera, not the object, and crop away frames and "
        "overlays.",
    ),
    "near_copies": Explanation(
        Counted(
            "{count} photo was taken from nearly the same spot as another one: {groups}.",
            "{count} photos were taken from nearly the same spot as another one: {groups}.",
        ),
        "To keep the figures honest, photos from one spot were held out or trained on together. "
        "Views from one spot add little: take a step sideways between photos.",
    ),
    "photos_in_groups": Explanation(
        Counted(
            "{count} group of photos fits together, but not with the scene: {groups}.",
            "{count} groups of photos each fit together, but not with the scene: {groups}.",
        ),
        "Photos of another place need a scene of their own.",
    ),
    "photos_left_out": Explanation(
        Counted(
            "{count} of {total} photos could not be placed and was left out: {names}.",
            "{count} of {total} photos could not be placed and were left out: {names}.",
        ),
        "The scene was made from the others. If these show the same place, photos that overlap "
        "with both would join them.",
    ),
    "poses_lack_photos": Explanation(
        Counted(
            "{count} of {total} photos had no camera position: {names}.",
            "{count} of {total} photos had no camera position: {names}.",
        ),
        "Such photos are placed beside the others by what they show, where that is possible.",
    ),
    "poses_moved": Explanation(
        "The camera positions lay too far from the origin, or in too large or small a unit, to be "
        "drawn exactly. The scene was moved and scaled.",
        "Directions are as they were.",
        "The scene's log says by how much.",
    ),
    "photos_unconfirmed": Explanation(
        Counted(
            "{count} of {total} photos does not fit the others and was left out: {names}.",
            "{count} of {total} photos do not fit the others and were left out: {names}.",
        ),
        "What the other photos show is not where this suggests, so the place found for it is "
        "probably wrong. Something that moves, a mirror or two places that look alike can cause "
        "that. The scene was made from the others.",
    ),
    "focal_length_does_not_fit": Explanation(
        Counted(
            "The focal length in the file of {count} of {total} photos does not fit what it "
            "shows: {said} mm there, {found} mm in the photo (35 mm equivalent): {names}.",
            "The focal length in the files of {count} of {total} photos does not fit what they "
            "show: {said} mm there, {found} mm in the photos (35 mm equivalent): {names}.",
        ),
        "The scene was made without it. Photos that were cropped, edited or taken with a "
        "converter still carry the lens's own focal length; the originals from the camera work "
        "best.",
    ),
    "metrics_absent": Explanation(
        "The quality could not be measured: {reason}",
        "The scene itself is complete.",
    ),
    "not_cross_validated": Explanation(
        "Not every photo could be held out once: {reason}",
        "The figures come from one split, with {held_out} of {total} photos held out.",
    ),
    "not_finished_with_all_photos": Explanation(
        "The scene could not be finished with all photos: {reason}",
        "What you see is the scene that was measured, made without the held-out photos.",
    ),
    "turntable_absent": Explanation(
        "The video could not be made: {reason}",
        "The scene itself is complete.",
    ),
    "reduced_after_out_of_memory": Explanation(
        "The GPU ran out of memory, so the scene was trained at {percent}% of the resolution.",
        "For full resolution, choose a lower preset.",
        "A GPU with more memory, or one that nothing else uses, trains at full resolution.",
    ),
    # Ours, or the machine's.
    "gpu_out_of_memory": Explanation(
        "The GPU ran out of memory, even at the reduced resolution.",
        "Choose the quick preset or fewer pixels, then run again.",
        "Choose the quick preset or fewer pixels, or close other programs that use the GPU.",
    ),
    "out_of_memory": Explanation(
        "The machine ran out of memory.",
        "Run again; if that does not help, choose the quick preset or fewer photos.",
        "Close other programs, give the machine or its container more memory, or choose the quick "
        "preset or fewer photos.",
    ),
    "too_busy": Explanation(
        "The site is busy with photos and videos that others have sent.",
        "Nothing is lost: send it again in a moment.",
    ),
    "storage_away": Explanation(
        "The place where scenes are kept can't be reached right now.",
        "Nothing is lost: try again in some minutes.",
        "It is the object store in STORAGE_URL: the server's or the worker's log says what failed.",
    ),
    "disk_full": Explanation(
        "There is too little free disk space: {free}, where {needed} are needed.",
        "Ask whoever runs this site to make room, then try again.",
        "Delete old scenes or give DATA_DIR a larger disk, then run again.",
    ),
    "folder_not_writable": Explanation(
        "The folder where scenes are kept can't be written to.",
        "Ask whoever runs this site to look at it, then try again.",
        "It is {folder}: check its owner and permissions (DATA_DIR in the settings).",
    ),
    "environment_broken": Explanation(
        "Something that this site needs for making scenes is missing or broken.",
        "Ask whoever runs this site to look at it, then try again.",
        "{problem} Run `manage.py preflight` for a full report and what to do.",
    ),
    "worker_lost": Explanation(
        Counted(
            "The worker stopped in the middle of the run.",
            "The worker stopped in the middle of the run, {attempts} times.",
            by="attempts",
        ),
        "The photos are safe. Run again; if it stops again, ask whoever runs this site to look "
        "at it.",
        "The worker's log says more. The usual reason is memory.",
    ),
    "timed_out": Explanation(
        Counted(
            "The run took longer than the limit of {minutes} minute.",
            "The run took longer than the limit of {minutes} minutes.",
            by="minutes",
        ),
        "Choose a lower preset or fewer photos, then run again.",
        "The limit is JOB_TIMEOUT_MINUTES in the settings.",
    ),
    "internal": Explanation(
        "Something went wrong on our side.",
        "The photos are safe. Run again; if it fails again, send the scene's number to "
        "whoever runs this site.",
        "The scene's log has the traceback, else the worker's.",
    ),
}
