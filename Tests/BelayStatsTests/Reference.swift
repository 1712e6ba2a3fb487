// Printed by Scripts/reference/statistics.py; not edited by hand.

enum Reference {
    /// Bins; KL and PSI by scipy.special.rel_entr, JS and W1 by scipy, KS by numpy.
    static let divergences: [(bins: Int, expected: [Double])] = [
        (
            2,
            [
                0.012252169267987181, 0.023571034412655942, 0.0029365744206868785, 0.060637108792846506,
                0.015159277198211626,
            ]
        ),
        (
            5,
            [
                0.87009426742741, 1.2047372611097935, 0.10576397608130822, 0.30335446685878964,
                0.9578974063400578,
            ]
        ),
        (
            13,
            [
                0.4316589266142738, 0.7260270492008778, 0.08080908951516087, 0.17511192322658187,
                3.573792362282048,
            ]
        ),
    ]

    /// Precision, recall, F1 of a class; scikit-learn.
    static let classes: [(label: Int, expected: [Double])] = [
        (0, [0.8543046357615894, 0.80625, 0.8295819935691319]),
        (1, [0.6770833333333334, 0.8125, 0.7386363636363636]),
        (2, [0.6770833333333334, 0.8125, 0.7386363636363636]),
        (3, [1, 0.7125, 0.8321167883211679]),
        (4, [0, 0, 0]),
    ]

    /// Accuracy, macro precision, recall and F1; scikit-learn.
    static let macro: [Double] = [
        0.79,
        0.802117825607064,
        0.7859375,
        0.7847428772907568,
    ]

    /// Of class 1, with Poisson counts: the squared slopes of F1, by mpmath.diff, times the counts.
    static let f1Variance: [Double] = [
        0.0013835774884101155
    ]

    /// Area by scikit-learn; its variance by the formula of Hanley and McNeil.
    static let area: [Double] = [
        0.9422973698336017,
        0.0001854468720751738,
    ]

    /// log M after 1, 400 and 1,000 single events, then after 1 and 60 ticks; mpmath.
    static let changes: [(limit: Double, expected: [Double])] = [
        (
            0.002,
            [1.6729847838632756, 123.8358854995999, 412.8384708203736, 3.3824416517870968, 92.41739613332463]
        ),
        (
            0.12,
            [
                0.42178289936430635, 5.477215872771141, 18.625121150425844, 2.256444784947722,
                3.311082823981531,
            ]
        ),
        (
            0.6,
            [
                0.14686380569088048, 2.414132380004074, 2.612984231367719, 0.703443260014472,
                0.8200126089405855,
            ]
        ),
    ]

    /// log E, then log M, after 1, 500 and 1,000 values; log M after 1 and 40 ticks; mpmath.
    static let drifts: [(bins: Int, expected: [Double])] = [
        (
            3,
            [
                -0.005, 134.05743067930098, 327.0122990132798, -0.005, 143.1079603775575, 351.68290990669186,
                1.671759469228055, 22.70220996646781,
            ]
        ),
        (
            12,
            [
                -0.005, 67.38107389740654, 80.43785908280711, -0.005, 76.25018791373928, 111.34004188228143,
                2.6510424533583157, 60.15302150318629,
            ]
        ),
    ]

    /// log E after 1, 20 and 60 ticks; mpmath.
    static let armDrifts: [(bins: Int, drip: Bool, expected: [Double])] = [
        (2, true, [-0.22264467377829564, -0.23478910416740087, 0.9944391656017598]),
        (2, false, [0, -0.038844853213785314, 1.1702762928827]),
        (7, true, [-0.21994039470087282, -2.143522119142776, 0.2434185910176871]),
        (7, false, [0, -2.3232471125154275, -0.18705056402074272]),
    ]

    /// log E after 1, 10 and 50 ticks; mpmath.
    static let splits: [(drip: Bool, expected: [Double])] = [
        (true, [-0.48124075313844605, 0.6669402583964308, 6.4602837474085115]),
        (false, [-0.2753886989342973, 0.8142878466197082, 6.613040467333665]),
    ]

    /// Candidate, stable, share, absolute, relative; requests at 5 %; scipy.optimize and mpmath.
    static let forecasts: [(given: [Double], requests: Double)] = [
        ([0.05, 0.01, 0.1, 0, 0], 878.4094135388826),
        ([0.1, 0.05, 0.5, 0, 0], 653.3261523633445),
        ([0.03, 0.01, 0.1, 0.005, 0], 5565.431062201984),
        ([0.07, 0.05, 0.5, 0, 0.25], 29927.89184708403),
        ([0.01, 0.01, 0.1, 0.01, 0], 10036.137640227857),
        ([0.05, 0.05, 0.5, 0.02, 0], 2892.495605787278),
        ([0.2, 0.2, 0.01, 0, 0.5], 11828.377895706639),
        ([0.9, 0.5, 0.3, 0.2, 0], 124.76706644367107),
    ]

    /// Of the evidence in the test at 20 %; statsmodels on 1/E.
    static let discoveries: [Int] = [
        4,
        1,
        3,
        6,
        8,
        5,
    ]
}
