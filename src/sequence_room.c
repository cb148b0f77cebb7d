#include "sequence_room.h"

#include "error.h"

#include <stdlib.h>

static void *more(void *old, size_t count, size_t size, int *is_out)
{
    void *memory = *is_out || count > SIZE_MAX / size ? NULL : realloc(old, count * size);
    *is_out |= !memory;
    return memory ? memory : old;
}

tombola_status sequence_room_reserve(struct sequence_room *room, size_t length, size_t count, size_t slots,
                                     tombola_error *error)
{
    int is_out = 0;
    if (length > room->length) {
        room->repeats = more(room->repeats, length, sizeof *room->repeats, &is_out);
        room->penalties = more(room->penalties, length, sizeof *room->penalties, &is_out);
        room->length = is_out ? room->length : length;
    }
    if (count > room->count) {
        room->made = more(room->made, count, sizeof *room->made, &is_out);
        room->sorted = more(room->sorted, count, sizeof *room->sorted, &is_out);
        room->count = is_out ? room->count : count;
    }
    if (slots > room->slot_count) {
        room->slots = more(room->slots, slots, sizeof *room->slots, &is_out);
        room->slot_count = is_out ? room->slot_count : slots;
    }
    return is_out ? fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for histories of %zu tokens", length) : TOMBOLA_OK;
}

size_t sequence_room_bytes(const struct sequence_room *room)
{
    return room->length * (sizeof *room->repeats + sizeof *room->penalties) +
           room->count * (sizeof *room->made + sizeof *room->sorted) + room->slot_count * sizeof *room->slots;
}

void sequence_room_free(struct sequence_room *room)
{
    free(room->repeats);
    free(room->penalties);
    free(room->made);
    free(room->sorted);
    free(room->slots);
    *room = (struct sequence_room){0};
}
