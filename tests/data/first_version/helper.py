SCALE = 2


def loss(lr, width):
    return SCALE * lr * width
