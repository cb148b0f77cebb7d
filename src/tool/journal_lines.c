#include "journal_lines.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int add_done(journal_lines *l, const json_t *list)
{
    extent e = {(uint64_t)json_integer_value(json_array_get(list, 0)),
                (uint64_t)json_integer_value(json_array_get(list, 1)),
                {0},
                {0}};
    for (int i = 0; i < TEXTS; i++) {
        e.at[i] = (uint64_t)json_integer_value(json_array_get(list, (size_t)(2 + 2 * i)));
        e.size[i] = (uint64_t)json_integer_value(json_array_get(list, (size_t)(3 + 2 * i)));
    }
    return extents_add(&l->done, &e);
}

static int add_begun(journal_lines *l, const json_t *list, int worker)
{
    if (l->begun_count == l->begun_room) {
        const size_t room = l->begun_room ? 2 * l->begun_room : 16;
        journal_left *begun = realloc(l->begun, room * sizeof *begun);
        if (!begun)
            return -1;
        l->begun = begun;
        l->begun_room = room;
    }
    l->begun[l->begun_count++] = (journal_left){.worker = worker,
                                                .rows = {(size_t)json_integer_value(json_array_get(list, 0)),
                                                         (size_t)json_integer_value(json_array_get(list, 1))}};
    return 0;
}

static int add_host(journal_lines *l, json_int_t worker, const char *host)
{
    if (worker < 0 || worker > 1 << 24 || !host)
        return 0;
    if ((size_t)worker >= l->host_count) {
        char(*hosts)[64] = realloc(l->hosts, (size_t)(worker + 1) * sizeof *hosts);
        if (!hosts)
            return -1;
        memset(hosts + l->host_count, 0, ((size_t)worker + 1 - l->host_count) * sizeof *hosts);
        l->hosts = hosts;
        l->host_count = (size_t)worker + 1;
    }
    snprintf(l->hosts[worker], sizeof l->hosts[worker], "%s", host);
    return 0;
}

static void mark_synced(journal_lines *l)
{
    l->synced_count = l->done.count;
    if (l->synced_count)
        l->synced_last = l->done.list[l->synced_count - 1]; /* which may grow */
    l->synced_end = l->end;
    l->synced_rows = l->done.rows;
}

/* A line has been read, up to l->end. It may be of a later version, with more than is known here. -1 without memory. */
static int take_line(journal_lines *l, const json_t *line)
{
    const json_t *run = json_object_get(line, "run"), *done = json_object_get(line, "done"),
                 *begun = json_object_get(line, "begun"), *worker = json_object_get(line, "worker");
    if (run) {
        snprintf(l->boot, sizeof l->boot, "%s", json_string_value(run) ? json_string_value(run) : "");
        l->begun_count = l->host_count = 0;
    } else if (done) {
        return add_done(l, done);
    } else if (begun) {
        return add_begun(l, begun, (int)json_integer_value(worker));
    } else if (worker) {
        return add_host(l, json_integer_value(worker), json_string_value(json_object_get(line, "host")));
    } else if (json_object_get(line, "complete")) {
        l->is_complete = 1;
        mark_synced(l);
    } else if (json_object_get(line, "synced")) {
        mark_synced(l);
    }
    return 0;
}

int journal_lines_read(int file, const char *path, journal_lines *l)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    int failed = 0;
    *l = (journal_lines){0};
    const int own = dup(file);
    FILE *stream = own < 0 ? NULL : fdopen(own, "r");
    if (!stream) {
        warn("%s: cannot read", path);
        return -1;
    }
    rewind(stream);
    while (!failed && (length = getline(&text, &room, stream)) > 0 && text[length - 1] == '\n') {
        json_t *line = json_loadb(text, (size_t)length, 0, NULL);
        if (l->header && !json_is_object(line)) { /* as a disk without power leaves it: nothing from here on counts */
            json_decref(line);
            break;
        }
        l->end += (uint64_t)length;
        if (!json_is_object(line)) {
            warnx("%s: is no journal of this command's; remove it and the .part beside it to start anew", path);
            failed = -1;
        } else if (!l->header) {
            l->header = json_incref(line);
            l->synced_end = l->end;
        } else if (take_line(l, line)) {
            warnx("out of memory");
            failed = -1;
        }
        json_decref(line);
    }
    if (ferror(stream)) {
        warn("%s: cannot read", path);
        failed = -1;
    }
    free(text);
    fclose(stream);
    return failed;
}

int journal_lines_list_done(const journal_lines *l, int for_sure, extents *done)
{
    const size_t count = for_sure ? l->synced_count : l->done.count;
    for (size_t i = 0; i < count; i++)
        if (extents_add(done, for_sure && i + 1 == count ? &l->synced_last : &l->done.list[i]))
            return -1;
    extents_sort(done);
    return 0;
}

void journal_lines_release(journal_lines *l)
{
    json_decref(l->header);
    extents_release(&l->done);
    free(l->begun);
    free(l->hosts);
}

static int is_done(const extents *done, chunk rows)
{
    size_t low = 0, high = done->count; /* where the last extent lies that begins no later */
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (done->list[middle].first <= rows.first)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && rows.first < done->list[low - 1].first + done->list[low - 1].count;
}

void journal_lines_find_left(const journal_lines *l, const extents *done, journal_left **left, size_t *count)
{
    *count = 0;
    *left = calloc(l->begun_count + 1, sizeof **left);
    for (size_t i = 0; *left && i < l->begun_count; i++) {
        const journal_left *begun = &l->begun[i], *before = *count ? &(*left)[*count - 1] : NULL;
        if (is_done(done, begun->rows))
            continue;
        if (before && before->worker == begun->worker && before->rows.first + before->rows.count == begun->rows.first) {
            (*left)[*count - 1].rows.count += begun->rows.count;
            continue;
        }
        (*left)[*count] = *begun;
        if ((size_t)begun->worker < l->host_count)
            snprintf((*left)[*count].host, sizeof(*left)[*count].host, "%s", l->hosts[begun->worker]);
        ++*count;
    }
}
