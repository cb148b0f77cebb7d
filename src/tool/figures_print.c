#include "figures.h"

#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define PAGE_WIDTH 80
#define GAP 3
#define LONGEST_LABEL 24
#define SHORTEST_BAR 6
#define LONGEST_BAR 40

/* Widths on the screen. */
typedef struct layout {
    int label;
    int number; /* a probability, under its temperature */
    int drawn;  /* 0 without --draws */
    int bar;
    size_t band;   /* columns side by side; the others follow below */
    float longest; /* the probability of a full bar */
    int blocks;    /* bars of Unicode blocks, not of # */
} layout;

/* As seen on the screen; as many columns as bytes where the locale can't tell. */
static int width_of(const char *text)
{
    wchar_t wide[256];
    size_t length = mbstowcs(wide, text, sizeof wide / sizeof wide[0]);
    int width = length < sizeof wide / sizeof wide[0] ? wcswidth(wide, length) : -1;
    return width >= 0 ? width : (int)strlen(text);
}

static void print_left(const char *text, int width)
{
    int used = width_of(text);
    printf("%s%*s", text, used < width ? width - used : 0, "");
}

static void print_label(const figures *figures, size_t token, int width)
{
    char text[LONGEST_LABEL * 4 + 1];
    if (!figures->labels) {
        printf("%-*zu", width, token);
        return;
    }
    const char *label = figures->labels[token];
    if (width_of(label) <= width) {
        print_left(label, width);
        return;
    }
    /* Cut at a whole character, and mark the cut. */
    size_t size = strlen(label) < sizeof text ? strlen(label) : sizeof text - 1;
    memcpy(text, label, size);
    do
        text[--size] = '\0';
    while (size > 0 && (((unsigned char)label[size] & 0xC0) == 0x80 || width_of(text) >= width));
    printf("%s~%*s", text, width - 1 - width_of(text), "");
}

/* In eighths of a place on the screen; # has only whole ones. */
static int bar_length(const layout *layout, double share)
{
    int steps = layout->blocks ? 8 : 1;
    return (int)lround(share / (double)layout->longest * layout->bar * steps) * (8 / steps);
}

static void print_bar(const layout *layout, int length)
{
    static const char *const EIGHTHS[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    for (int i = 0; i < length / 8; i++)
        fputs(layout->blocks ? "█" : "#", stdout);
    fputs(EIGHTHS[length % 8], stdout);
}

static layout make_layout(const figures *figures)
{
    layout layout = {.label = (int)strlen("entropy"), .number = 5};
    char text[64];
    for (size_t token = 0; figures->labels && token < figures->tokens; token++) {
        int width = width_of(figures->labels[token]);
        layout.label = width > layout.label ? width : layout.label;
    }
    if (layout.label > LONGEST_LABEL)
        layout.label = LONGEST_LABEL;
    for (size_t column = 0; column < figures->columns; column++) {
        int width = snprintf(text, sizeof text, "T=%g", (double)figures->temperatures[column]);
        layout.number = width > layout.number ? width : layout.number;
    }
    if (figures->draws) {
        int width = snprintf(text, sizeof text, "%llu", (unsigned long long)figures->draws);
        layout.drawn = width > 5 ? width : 5;
    }
    for (size_t i = 0; i < figures->tokens * figures->columns; i++)
        if (figures->probabilities[i] > layout.longest)
            layout.longest = figures->probabilities[i];

    int column = GAP + layout.number + (layout.drawn ? 2 + layout.drawn : 0) + 2;
    int room = PAGE_WIDTH - layout.label;
    layout.band = (size_t)(room / (column + SHORTEST_BAR));
    layout.band = layout.band < 1 ? 1 : layout.band > figures->columns ? figures->columns : layout.band;
    /* As many bands as needed, and all about as full. */
    size_t bands = (figures->columns + layout.band - 1) / layout.band;
    layout.band = (figures->columns + bands - 1) / bands;
    layout.bar = room / (int)layout.band - column;
    layout.bar = layout.bar < SHORTEST_BAR ? SHORTEST_BAR : layout.bar > LONGEST_BAR ? LONGEST_BAR : layout.bar;
    layout.blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return layout;
}

/* A line of one text for each column of the band: head, entropy, kept. */
typedef int (*describe)(const figures *figures, size_t column, char *text, size_t size);

static int describe_temperature(const figures *figures, size_t column, char *text, size_t size)
{
    return snprintf(text, size, "T=%g", (double)figures->temperatures[column]);
}

static int describe_entropy(const figures *figures, size_t column, char *text, size_t size)
{
    double bits = figures->entropy[column];
    return snprintf(text, size, "%.3f bits", bits > 0 ? bits : 0.0);
}

static int describe_kept(const figures *figures, size_t column, char *text, size_t size)
{
    return snprintf(text, size, "%u of %zu", figures->kept[column], figures->tokens);
}

static void print_line(const figures *figures, const layout *layout, size_t first, size_t end, const char *label,
                       describe describe)
{
    int width = layout->number + (layout->drawn ? 2 + layout->drawn : 0) + 2 + layout->bar;
    print_left(label, layout->label);
    for (size_t column = first; column < end; column++) {
        char text[64];
        int used = describe(figures, column, text, sizeof text);
        printf("%*s%s", GAP, "", text);
        if (layout->drawn && describe == describe_temperature)
            used += printf("%*s", layout->number - used + 2 + layout->drawn, "drawn");
        if (column + 1 < end)
            printf("%*s", width - used, "");
    }
    putchar('\n');
}

static void print_token(const figures *figures, const layout *layout, size_t first, size_t end, size_t token)
{
    int blanks = 0; /* owed, and paid once something follows: none at the end of a line */
    print_label(figures, token, layout->label);
    for (size_t column = first; column < end; column++) {
        size_t cell = column * figures->tokens + token;
        double share = (double)figures->probabilities[cell];
        int length = bar_length(layout, share);
        if (figures->filtered && !figures->keeps[cell])
            blanks = layout->number - printf("%*s-", blanks + GAP, "") + blanks + GAP;
        else
            blanks = layout->number - printf("%*s%.3f", blanks + GAP, "", share) + blanks + GAP;
        if (layout->drawn) {
            printf("%*s%*llu", blanks + 2, "", layout->drawn, (unsigned long long)figures->drawn[cell]);
            blanks = 0;
        }
        blanks += 2;
        if (length) {
            printf("%*s", blanks, "");
            print_bar(layout, length);
            blanks = 0;
        }
        blanks += layout->bar - (length + 7) / 8;
    }
    putchar('\n');
}

void figures_print(const figures *figures)
{
    layout layout = make_layout(figures);
    for (size_t first = 0; first < figures->columns; first += layout.band) {
        size_t end = first + layout.band < figures->columns ? first + layout.band : figures->columns;
        if (first)
            putchar('\n');
        print_line(figures, &layout, first, end, "token", describe_temperature);
        for (size_t token = 0; token < figures->tokens; token++)
            print_token(figures, &layout, first, end, token);
        print_line(figures, &layout, first, end, "entropy", describe_entropy);
        if (figures->filtered)
            print_line(figures, &layout, first, end, "kept", describe_kept);
    }
    if (figures->filtered)
        puts("\n- is dropped; the kept ones share the whole among them");
}

static json_t *pack_token(const figures *figures, size_t column, size_t token)
{
    const size_t cell = column * figures->tokens + token;
    json_t *object = json_pack("{s:I, s:s*, s:f, s:b}", "token", (json_int_t)token, "label",
                               figures->labels ? figures->labels[token] : NULL, "probability",
                               (double)figures->probabilities[cell], "kept", figures->keeps[cell]);
    if (figures->draws)
        json_object_set_new(object, "drawn", json_integer((json_int_t)figures->drawn[cell]));
    return object;
}

int figures_print_json(const figures *figures)
{
    for (size_t column = 0; column < figures->columns; column++) {
        float temperature = figures->temperatures[column];
        json_t *tokens = json_array();
        for (size_t token = 0; token < figures->tokens; token++)
            tokens = tool_json_add(tokens, pack_token(figures, column, token));
        /* JSON has no infinity. */
        json_t *object = json_pack("{s:o, s:f, s:i, s:o}", "temperature",
                                   isinf(temperature) ? json_string("inf") : json_real((double)temperature), "entropy",
                                   figures->entropy[column], "kept", (int)figures->kept[column], "tokens", tokens);
        if (tool_json_print(stdout, object))
            return -1;
    }
    return 0;
}
