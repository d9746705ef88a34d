using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Stages;

namespace Formation.Inference.Engine.Tests.Stages;

public sealed class TensorParallelTests
{
    // Of floating-point weights only the order of the additions differs. Quantised ones meet inputs of 8 bits, and what is next to the middle
    // of two of these may be rounded the other way: a 250th of the largest of 32.
    private const double FloatTolerance = 1e-4, QuantizedTolerance = 1e-2;

    // Its query and feed-forward shares are whole blocks of every format, for two members and for four.
    private static readonly TinyModelOptions Wide = TinyModelOptions.Llama with
    {
        HiddenSize = 256,
        HeadCount = 8,
        KvHeadCount = 4,
        HeadSize = 128,
        FeedForwardSize = 1280,
    };

    public static TheoryData<string, int, TensorType> Models
    {
        get
        {
            var data = new TheoryData<string, int, TensorType>();
            foreach (var architecture in (string[])["llama", "qwen2", "qwen3"])
                foreach (var members in (int[])[2, 4])
                    foreach (var format in (TensorType[])[TensorType.F32, TensorType.Q8_0, TensorType.Q4_0, TensorType.Q4_K])
                        data.Add(architecture, members, format);
            foreach (var format in (TensorType[])[TensorType.F16, TensorType.BF16, TensorType.Q4_1, TensorType.Q5_0, TensorType.Q5_1, TensorType.Q2_K,
                TensorType.Q3_K, TensorType.Q5_K, TensorType.Q6_K, TensorType.IQ4_NL, TensorType.IQ4_XS, TensorType.MXFP4])
                data.Add("llama", 2, format);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task Members_together_compute_what_one_computes_alone(string architecture, int members, TensorType format)
    {
        using var model = new SharedModel(Wide with { Architecture = architecture, MatrixType = format, HasOtherBias = architecture == "llama" }, members);

        await AssertSameAsync(model, format is TensorType.F32 or TensorType.F16 or TensorType.BF16 ? FloatTolerance : QuantizedTolerance);
    }

    [Fact]
    public async Task A_window_and_rounded_keys_change_nothing_of_it()
    {
        using var model = new SharedModel(Wide with { SlidingWindow = 9, MatrixType = TensorType.Q4_K, RopeScaling = TinyRopeScaling.Llama3 }, 2);

        await AssertSameAsync(model, QuantizedTolerance, KvFormat.Q8_0);
    }

    [Fact]
    public void Members_hold_a_share_of_keys_and_values_each()
    {
        using var model = new SharedModel(Wide, 4);

        Assert.All(model.Members, member => Assert.Equal(
            model.Whole.KvShape(model.Whole.AllLayers, 8).Bytes / 4, member.KvShape(member.AllLayers, 8).Bytes));
    }

    [Fact]
    public async Task Feed_forward_layers_that_have_no_equal_shares_are_cut_between_two_blocks()
    {
        // Five blocks for two members.
        using var model = new SharedModel(Wide with { MatrixType = TensorType.Q4_K, FeedForwardSize = 1280 }, 2);

        await AssertSameAsync(model, QuantizedTolerance);
    }

    [Theory]
    [InlineData(3, 64, 512, 2, "3 KV heads")]
    [InlineData(2, 64, 512, 2, "attn_output.weight is stored in blocks of 256")]
    [InlineData(4, 256, 512, 4, "512 values, in pieces of 256")]
    public void A_model_that_can_not_be_divided_so_is_refused_in_words(int kvHeads, int headSize, int feedForward, int members, string reason)
    {
        var options = Wide with
        {
            MatrixType = TensorType.Q4_K,
            HeadCount = 2 * kvHeads,
            KvHeadCount = kvHeads,
            HeadSize = headSize,
            FeedForwardSize = feedForward,
        };

        var error = Assert.Throws<GgufException>(() => new SharedModel(options, members).Dispose());

        Assert.Equal(GgufErrorKind.UnsupportedModel, error.Kind);
        Assert.Contains(reason, error.Message);
    }

    [Fact]
    public void A_stage_gets_the_exchange_of_its_own_share_and_no_other()
    {
        using var model = new SharedModel(Wide, 2);
        var exchange = new ThreadExchange(2);
        var first = model.Members[0];
        var cache = first.KvShape(first.AllLayers, 4);

        Assert.Throws<ArgumentException>(() => first.CreateStage(first.AllLayers, cache, maxRows: 4));
        Assert.Throws<ArgumentException>(() => first.CreateStage(first.AllLayers, cache, maxRows: 4, exchange.Members[1]));
        Assert.Throws<ArgumentException>(() => model.Whole.CreateStage(
            first.AllLayers, model.Whole.KvShape(first.AllLayers, 4), maxRows: 4, exchange.Members[0]));
    }

    private static async Task AssertSameAsync(SharedModel model, double tolerance, KvFormat format = KvFormat.F16)
    {
        using var group = model.CreateGroup(format: format);
        using var whole = model.CreateWhole(format: format);
        var (a, b) = (new StageSequence(1, 1, [0, 1, 2]), new StageSequence(2, 2, [3, 4]));
        var (shared, alone) = (new StageDriver(group, model.Whole.Config.HiddenSize), new StageDriver(whole, model.Whole.Config.HiddenSize));

        foreach (var parts in (StagePart[][])
            [
                [new StagePart(a, 0, 30), new StagePart(b, 0, 3)],
                [new StagePart(a, 30, 1, SliceKind.Decode), new StagePart(b, 3, 20)],
                [new StagePart(a, 31, 1, SliceKind.Decode), new StagePart(b, 23, 1, SliceKind.Decode)],
            ])
        {
            var (together, expected) = (await shared.StepAsync(default, parts), await alone.StepAsync(default, parts));
            for (var part = 0; part < parts.Length; part++)
                AssertClose(expected[part], together[part], tolerance);
        }
    }

    private static void AssertClose(float[][] expected, float[][] actual, double tolerance)
    {
        for (var row = 0; row < expected.Length; row++)
        {
            var size = Math.Sqrt(expected[row].Sum(value => (double)value * value));
            var error = Math.Sqrt(expected[row].Zip(actual[row], (x, y) => Math.Pow((double)x - y, 2)).Sum());
            Assert.True(error <= tolerance * size, $"row {row}: {error / size:G3} of the row's size");
        }
    }
}

public sealed class TwoMembersTests() : TensorParallelConformance(TinyModelOptions.Llama with { MatrixType = TensorType.Q8_0 }, 2, KvFormat.F16);

public sealed class TwoMembersWithQ8CacheTests() : TensorParallelConformance(
    TinyModelOptions.Qwen3 with { HiddenSize = 256, MatrixType = TensorType.Q4_K }, 2, KvFormat.Q8_0);

public sealed class FourMembersTests() : TensorParallelConformance(
    TinyModelOptions.Qwen2 with { HeadCount = 8, KvHeadCount = 4, HeadSize = 64, SlidingWindow = 9 }, 4, KvFormat.F16);

/// <summary>The conformance suite over a group: the same bits whatever the batch and however a prompt is cut.</summary>
public abstract class TensorParallelConformance(TinyModelOptions options, int members, KvFormat format) : ModelStageConformance
{
    private readonly SharedModel _model = new(options, members);

    protected override int Width => _model.Whole.Config.HiddenSize;

    protected override IModelStage CreateStage() => _model.CreateGroup(BlockCount, MaxRows, format);

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _model.Dispose();
    }
}
