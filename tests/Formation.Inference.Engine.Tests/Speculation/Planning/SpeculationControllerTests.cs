using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Speculation.Planning;

namespace Formation.Inference.Engine.Tests.Speculation.Planning;

/// <summary>A machine, a text and a controller in invented time: how long drafts become, and that they stop where they don't pay.</summary>
public sealed class SpeculationControllerTests
{
    readonly SpeculationController _controller = new(new SpeculationOptions());
    readonly DrafterRecord _drafter = new(new ConstantDrafter(0));
    readonly Sequence _sequence = new SequenceGroup(0, "a", [1], [], 1).Leader;

    /// <summary>Plans a step, takes what it costs, and says how long the draft was.</summary>
    int Step(Func<int, double> secondsOfRows, Func<int, int> acceptedOf, int sequences = 1)
    {
        var candidates = Enumerable.Range(0, sequences)
            .Select(i => new DraftCandidate { Slice = i, Rate = _drafter.RateOf(_sequence), Limit = 15 }).ToArray();
        _controller.Plan(_drafter, candidates, sequences, sequences, sequences, spareRows: 128);
        _drafter.NoteStep();
        var drafted = candidates.Sum(candidate => candidate.Length);
        _controller.Costs.Add(sequences + drafted, secondsOfRows(sequences + drafted));
        if (drafted > 0)
            _drafter.NoteGuess(candidates.Max(candidate => candidate.Length), 0);
        foreach (var candidate in candidates.Where(candidate => candidate.Length > 0))
            _drafter.NoteVerified(_sequence, candidate.Length, acceptedOf(candidate.Length));
        return drafted;
    }

    List<int> Run(int steps, Func<int, double> secondsOfRows, Func<int, int> acceptedOf, int sequences = 1) =>
        [.. Enumerable.Range(0, steps).Select(_ => Step(secondsOfRows, acceptedOf, sequences))];

    static double CheapRows(int rows) => 10 + 0.2 * rows;

    static double DearRows(int rows) => rows;

    static int AllRight(int drafted) => drafted;

    static int NoneRight(int drafted) => 0;

    [Fact]
    public void The_first_steps_measure_what_a_step_takes_without_drafts() => Assert.Equal([0, 0], Run(2, CheapRows, AllRight));

    [Fact]
    public void Where_rows_are_cheap_and_guesses_right_drafts_become_as_long_as_they_may()
    {
        var drafts = Run(200, CheapRows, AllRight);
        Assert.Equal(15, drafts[50..].Max());
        Assert.InRange(drafts[50..].Average(), 14, 15);
    }

    [Fact]
    public void Where_guesses_are_wrong_drafts_stop_and_are_tried_ever_more_rarely()
    {
        var drafts = Run(3000, CheapRows, NoneRight);
        var tries = drafts.Select((draft, step) => (draft, step)).Where(item => item.draft > 0).Select(item => item.step).ToList();
        Assert.InRange(tries.Count(step => step >= 200), 1, 40);
        Assert.InRange(tries.Count(step => step >= 2000), 1, 4);
    }

    [Fact]
    public void Where_a_row_costs_a_step_drafts_stop_although_guesses_are_right()
    {
        var drafts = Run(3000, DearRows, AllRight);
        Assert.InRange(drafts[200..].Count(draft => draft > 0), 1, 40);
    }

    [Fact]
    public void When_the_text_begins_to_repeat_drafts_come_back()
    {
        Run(500, CheapRows, NoneRight);
        Assert.Contains(15, Run(600, CheapRows, AllRight));
    }

    [Fact]
    public void When_the_machine_gets_free_drafts_come_back()
    {
        Run(500, DearRows, AllRight);
        Assert.InRange(Run(2000, CheapRows, AllRight)[^100..].Average(), 10, 15);
    }

    [Fact]
    public void A_step_without_drafts_is_measured_again_now_and_then()
    {
        var drafts = Run(1000, CheapRows, AllRight);
        Assert.InRange(drafts[100..].Count(draft => draft == 0), 900 / 64 - 1, 900 / 64 + 1);
    }

    [Fact]
    public void In_a_large_batch_there_is_no_draft_and_none_is_tried() =>
        Assert.All(Run(1000, CheapRows, AllRight, sequences: 17), draft => Assert.Equal(0, draft));

    [Fact]
    public void Several_sequences_share_what_pays()
    {
        static double BusyFromSixteenRows(int rows) => 10 + Math.Max(0, rows - 16) * 3;
        Assert.All(Run(300, BusyFromSixteenRows, AllRight, sequences: 4)[250..], rows => Assert.InRange(rows, 0, 12 + 2));
    }

    [Fact]
    public void The_drafter_that_gives_more_tokens_a_second_is_known()
    {
        Run(50, CheapRows, drafted => drafted / 2);
        var slower = new DrafterRecord(new ConstantDrafter(0));
        slower.NoteGuess(longest: 1, seconds: 30);
        var candidates = new DraftCandidate[] { new() { Rate = 0.5, Limit = 15 } };
        Assert.True(
            _controller.SpeedOf(_drafter, candidates, 1, spareRows: 128) > _controller.SpeedOf(slower, candidates, 1, spareRows: 128));
    }

    [Fact]
    public void Without_measurements_drafts_are_as_long_as_they_may_be()
    {
        var controller = new SpeculationController(new SpeculationOptions { IsAdaptive = false });
        var candidates = new DraftCandidate[] { new() { Limit = 3 }, new() { Limit = 5 } };
        Assert.Equal(8, controller.Plan(_drafter, candidates, 2, 2, 2, spareRows: 1));
    }
}
