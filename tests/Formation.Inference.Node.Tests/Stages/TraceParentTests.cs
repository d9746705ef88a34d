using System.Diagnostics;
using System.Text;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Tests.Stages;

public sealed class TraceParentTests
{
    private const string Sound = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Theory]
    [InlineData(Sound, ActivityTraceFlags.Recorded)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", ActivityTraceFlags.None)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0e", ActivityTraceFlags.None)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", ActivityTraceFlags.Recorded)]
    public void A_span_is_read_as_the_standard_writes_it(string text, ActivityTraceFlags flags)
    {
        Assert.True(TraceParent.TryParse(Encoding.ASCII.GetBytes(text), out var parent));
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", parent.TraceId.ToString());
        Assert.Equal("b7ad6b7169203331", parent.SpanId.ToString());
        Assert.Equal((flags, true), (parent.TraceFlags, parent.IsRemote));
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        var context = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, isRemote: true);
        var text = TraceParent.Format(context);
        Assert.Equal(TraceParent.Length, text.Length);
        Assert.True(TraceParent.TryParse(Encoding.ASCII.GetBytes(text), out var read));
        Assert.Equal(context, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011")]
    [InlineData("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    [InlineData("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    [InlineData("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01")]
    [InlineData("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0G")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331 01")]
    [InlineData("00 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01")]
    public void Everything_else_is_refused(string text) =>
        Assert.False(TraceParent.TryParse(Encoding.ASCII.GetBytes(text), out _));

    [Fact]
    public void A_changed_character_is_another_span_or_none()
    {
        for (var i = 0; i < Sound.Length; i++)
            for (var character = 0; character < 256; character++)
            {
                var bytes = Encoding.ASCII.GetBytes(Sound);
                bytes[i] = (byte)character;
                var isHexadecimal = character is >= '0' and <= '9' or >= 'a' and <= 'f';
                var isKept = character == Sound[i];
                Assert.Equal(isKept || (isHexadecimal && i is > 2 and not 35 and not 52), TraceParent.TryParse(bytes, out _));
            }
    }
}
