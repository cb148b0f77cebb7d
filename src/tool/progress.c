#include "progress.h"

#include <err.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

#define LEAST_SECONDS 1.0
#define TERMINAL_SECONDS 0.2
#define FILE_SECONDS 60.0

/* "0:12", "1:02:03" */
static void describe_time(double left, char *text, size_t size)
{
    const unsigned long whole = (unsigned long)(left + 0.5), minutes = whole / 60;
    if (minutes < 60)
        snprintf(text, size, "%lu:%02lu", minutes, whole % 60);
    else
        snprintf(text, size, "%lu:%02lu:%02lu", minutes / 60, minutes % 60, whole % 60);
}

progress_text progress_describe(const progress *p, size_t now, double since)
{
    progress_text text;
    char left[32];
    const double done = (double)(now - p->before), rate = since > 0 ? done / since : 0;
    const int length = snprintf(text.text, sizeof text.text, "%zu of %zu rows (%d%%)", now, p->total,
                                (int)(100.0 * (double)now / (double)p->total));
    if (rate > 0) {
        describe_time((double)(p->total - now) / rate, left, sizeof left);
        snprintf(text.text + length, sizeof text.text - (size_t)length, ", %.*f rows/s, %s left", rate < 10 ? 2 : 0,
                 rate, left);
    }
    return text;
}

int progress_is_due(const progress *p, double since_began, double since_told)
{
    return p->is_wanted && since_began >= LEAST_SECONDS &&
           since_told >= (p->is_terminal ? TERMINAL_SECONDS : FILE_SECONDS);
}

void progress_begin(progress *p, int is_wanted, size_t total, size_t before)
{
    const double now = clock_now();
    *p = (progress){.total = total,
                    .before = before,
                    .is_wanted = is_wanted,
                    .is_terminal = isatty(STDERR_FILENO),
                    .began = now,
                    .told = now};
}

void progress_tell(progress *p, size_t now)
{
    const double time = clock_now();
    if (!progress_is_due(p, time - p->began, time - p->told))
        return;
    p->told = time;
    const progress_text text = progress_describe(p, now, time - p->began);
    if (!p->is_terminal) {
        warnx("%s", text.text);
        return;
    }
    fprintf(stderr, "\r%s\033[K", text.text);
    fflush(stderr);
    p->has_line = 1;
}

void progress_clear(progress *p)
{
    if (p->has_line)
        fputs("\r\033[K", stderr);
    p->has_line = 0;
}
