"""Opening what people sent, in processes of its own with limits on memory, time and number.

A photo or a video is a program for its decoder, written by whoever sent it. So nothing of theirs
is decoded in a process that serves pages or does jobs: `opening` asks a child process (`pool`,
`child`) to do it, which has given up all that decoding does not need (`confinement`) and works for
a budget (`budgets`). What no honest file has, `limits` and `boxes` refuse before anything is
decoded. Files that we made ourselves (work/photos, posters) need none of this.
"""
