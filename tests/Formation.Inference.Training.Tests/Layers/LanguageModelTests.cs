using Formation.Inference.Training.Layers;

namespace Formation.Inference.Training.Tests.Layers;

public sealed class LanguageModelTests
{
    private static readonly ModelShape Shape = new(Vocabulary: 37, Width: 24, Blocks: 2, Heads: 4, KeyHeads: 2, FeedForward: 20, Context: 64);

    [Fact]
    public void The_loss_equals_the_double_precision_reference()
    {
        using var device = new TrainingDevice(2);
        using var model = Model(device);
        var documents = Documents();
        var expected = new ReferenceModel(Shape, model.Parameters).Loss(documents);

        var result = model.Pass(StepBatch.Of(documents), learn: false);

        Assert.Equal(expected, result.MeanLoss, 1e-5);
    }

    [Fact]
    public void The_gradient_of_every_parameter_equals_finite_differences_of_the_reference()
    {
        using var device = new TrainingDevice(2);
        using var model = Model(device);
        var documents = Documents();
        var reference = new ReferenceModel(Shape, model.Parameters);
        model.Pass(StepBatch.Of(documents), learn: true);
        var random = new SeededRandom(5);

        foreach (var parameter in model.Parameters)
        {
            var weights = reference.Weights[parameter.Name];
            var largest = parameter.Gradient.Values.ToArray().Max(Math.Abs);
            Assert.True(largest > 1e-4, $"{parameter.Name} has no gradient");
            for (var sample = 0; sample < 24; sample++)
            {
                var i = random.Next(weights.Length);
                const double Distance = 1e-4;
                var kept = weights[i];
                weights[i] = kept + Distance;
                var above = reference.Loss(documents);
                weights[i] = kept - Distance;
                var below = reference.Loss(documents);
                weights[i] = kept;
                var difference = Math.Abs((above - below) / (2 * Distance) - parameter.Gradient.Values[i]);
                Assert.True(difference < 2e-4 * largest + 1e-6, $"{parameter.Name}[{i}] is off by {difference}, largest {largest}");
            }
        }
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        using var one = new TrainingDevice(1);
        using var three = new TrainingDevice(3);
        using LanguageModel alone = Model(one), together = Model(three);
        var batch = StepBatch.Of(Documents());

        Assert.Equal(alone.Pass(batch, learn: true).Losses, together.Pass(batch, learn: true).Losses);

        for (var i = 0; i < alone.Parameters.Count; i++)
            Assert.Equal(alone.Parameters[i].Gradient.Values.ToArray(), together.Parameters[i].Gradient.Values.ToArray());
    }

    [Fact]
    public void A_token_outside_the_vocabulary_is_refused()
    {
        using var device = new TrainingDevice(1);
        using var model = Model(device);

        var error = Assert.Throws<ArgumentException>(
            () => model.Pass(StepBatch.Of([new TrainingDocument([1, 99, 2], [false, true, true])]), learn: false));

        Assert.Contains("99", error.Message);
    }

    private static LanguageModel Model(TrainingDevice device)
    {
        var model = new LanguageModel(device, Shape, 128);
        model.Initialize(new SeededRandom(1));
        // Gains away from 1, so that a gradient that forgets them shows.
        var random = new SeededRandom(2);
        foreach (var gain in model.Parameters.Where(p => !p.Decays))
        {
            foreach (ref var value in gain.Value.Values)
                value = (float)(0.5 + random.NextDouble());
        }
        foreach (ref var value in model.Parameters[0].Value.Values)
            value *= 20;
        return model;
    }

    private static List<TrainingDocument> Documents()
    {
        var random = new SeededRandom(3);
        return [.. new[] { 5, 2, 33, 18 }.Select(length => new TrainingDocument(
            [.. Enumerable.Range(0, length).Select(_ => random.Next(Shape.Vocabulary))],
            [.. Enumerable.Range(0, length).Select(i => i == 1 || random.Chance(0.6))]))];
    }
}
