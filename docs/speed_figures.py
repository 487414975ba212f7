def draw_all(records, folder):
    return []
