using Formation.Inference.Node.Weights.Peers;

namespace Formation.Inference.Node.Tests.Weights.Peers;

public sealed class WeightProtocolTests
{
    private static readonly string Digest = string.Concat(Enumerable.Range(0, 32).Select(i => $"{i:x2}"));

    [Theory]
    [InlineData(WeightQuestion.Manifest, 0, "0100000000000000")]
    [InlineData(WeightQuestion.Holdings, 0, "0200000000000000")]
    [InlineData(WeightQuestion.Chunk, 0x01020304, "0300000004030201")]
    internal void A_question_has_the_documented_bytes(WeightQuestion kind, int chunk, string front)
    {
        var bytes = new byte[WeightProtocol.QuestionBytes];
        WeightProtocol.Write(new WeightRequestFrame(kind, Digest, chunk), bytes);
        Assert.Equal(front + Digest, Convert.ToHexStringLower(bytes));
        Assert.True(WeightProtocol.TryRead(bytes, out var read));
        Assert.Equal(new WeightRequestFrame(kind, Digest, chunk), read);
    }

    [Theory]
    [InlineData("0000000000000000")] // No such question.
    [InlineData("0400000000000000")]
    [InlineData("0300000100000000")] // Reserved bytes.
    [InlineData("03000000ffffffff")] // Chunk -1.
    [InlineData("0300000000000080")]
    [InlineData("0100000001000000")] // A chunk where none is asked for.
    [InlineData("0200000001000000")]
    public void A_question_that_is_none_is_refused(string front) =>
        Assert.False(WeightProtocol.TryRead(Convert.FromHexString(front + Digest), out _));

    [Theory]
    [InlineData(WeightStatus.Here, 0x00010203, "0000000003020100")]
    [InlineData(WeightStatus.NotHeld, 0, "0100000000000000")]
    [InlineData(WeightStatus.Busy, 0, "0200000000000000")]
    [InlineData(WeightStatus.Malformed, 0, "0300000000000000")]
    internal void An_answer_has_the_documented_bytes(WeightStatus status, int length, string front)
    {
        var bytes = new byte[WeightProtocol.AnswerBytes];
        WeightProtocol.WriteAnswer(status, length, bytes);
        Assert.Equal(front, Convert.ToHexStringLower(bytes));
        Assert.True(WeightProtocol.TryReadAnswer(bytes, out var readStatus, out var readLength));
        Assert.Equal((status, length), (readStatus, readLength));
    }

    [Theory]
    [InlineData("0400000000000000")] // No such status.
    [InlineData("0001000000000000")] // Reserved bytes.
    [InlineData("00000000ffffff7f")] // Longer than the largest manifest.
    [InlineData("00000000ffffffff")] // Negative.
    [InlineData("0100000001000000")] // Content behind a refusal.
    public void An_answer_that_is_none_is_refused(string front) =>
        Assert.False(WeightProtocol.TryReadAnswer(Convert.FromHexString(front), out _, out _));
}
